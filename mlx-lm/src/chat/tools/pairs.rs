//! Calls with pairs of key and value: GLM and LongCat.

use serde_json::{Map, Value};

use super::{Parsed, ParsedCall, Tools, between, json, nothing_left, schema, start_of};

/// `f<arg_key>a</arg_key><arg_value>1</arg_value>`; GLM also writes JSON, `f {…}` and `f a=1`.
pub(super) fn glm47(text: &str, tools: &Tools<'_>) -> Parsed {
    if text.contains("<arg_key>") {
        return pairs(text, "arg_key", "arg_value", tools);
    }
    if text.trim_start().starts_with(['{', '[']) {
        return json::calls(text, tools);
    }
    let text = text.trim();
    let (name, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.:".contains(c));
    let arguments = match rest.trim() {
        "" => Some(Map::new()),
        rest if rest.starts_with('{') => Some(json::arguments(rest)?),
        rest => words(rest, name, tools),
    };
    match arguments.filter(|_| is_name) {
        Some(arguments) => Ok(vec![ParsedCall { id: None, name: name.to_owned(), arguments }]),
        None => Err(format!("{} is no tool call", start_of(text))),
    }
}

/// `f<longcat_arg_key>a</longcat_arg_key><longcat_arg_value>1</longcat_arg_value>`, or JSON.
pub(super) fn longcat(text: &str, tools: &Tools<'_>) -> Parsed {
    match text.trim_start().starts_with('{') {
        true => json::calls(text, tools),
        false => pairs(text, "longcat_arg_key", "longcat_arg_value", tools),
    }
}

/// Arguments that the schema calls strings are kept as they are.
fn pairs(text: &str, key: &str, value: &str, tools: &Tools<'_>) -> Parsed {
    let [open_key, open_value] = [key, value].map(|tag| format!("<{tag}>"));
    let [close_key, close_value] = [key, value].map(|tag| format!("</{tag}>"));
    let start = text.find(&open_key).unwrap_or(text.len());
    let (name, mut rest) = (text[..start].trim(), &text[start..]);
    if name.is_empty() || name.contains('<') {
        return Err(format!("{} has no tool's name before its arguments", start_of(text.trim())));
    }
    let mut arguments = Map::new();
    while let Some((before, key, after)) = between(rest, &open_key, &close_key) {
        nothing_left(before)?;
        let (before, value, after) = between(after, &open_value, &close_value)
            .ok_or_else(|| format!("the argument `{}` of a tool call has no value", key.trim()))?;
        // The line break may come as the two characters that stand for it.
        nothing_left(&before.replace("\\n", ""))?;
        let (key, value) = (key.trim(), value.trim());
        let value = if tools.is_string(name, key) { value.into() } else { schema::guess(value) };
        arguments.insert(key.to_owned(), value);
        rest = after;
    }
    nothing_left(rest)?;
    Ok(vec![ParsedCall { id: None, name: name.to_owned(), arguments }])
}

/// `a=1 b="two words"`, quoted as for a shell.
fn words(text: &str, tool: &str, tools: &Tools<'_>) -> Option<Map<String, Value>> {
    let mut arguments = Map::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (word, after) = word(rest)?;
        let (key, value) = word.split_once('=').filter(|(key, _)| !key.is_empty())?;
        let value = if tools.is_string(tool, key) { value.into() } else { schema::guess(value) };
        arguments.insert(key.to_owned(), value);
        rest = after.trim_start();
    }
    Some(arguments)
}

/// The first word without its quotes, and the text behind it.
fn word(text: &str) -> Option<(String, &str)> {
    let (mut out, mut quote) = (String::new(), None);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (Some('\''), c) => out.push(c),
            (_, '\\') => out.push(chars.next()?.1),
            (Some(_), c) => out.push(c),
            (None, '"' | '\'') => quote = Some(c),
            (None, c) if c.is_whitespace() => return Some((out, &text[at..])),
            (None, c) => out.push(c),
        }
    }
    quote.is_none().then_some((out, ""))
}
