//! Calls with an element per argument: `<parameter name="city">Oslo</parameter>`.

use serde_json::{Map, Value};

use super::{Parsed, ParsedCall, Tools, between, nothing_left};

/// The arguments in `body`, each between `open` and `close`; `name` reads the end of the opening tag.
fn arguments<'t>(
    body: &'t str,
    open: &str,
    close: &str,
    mut add: impl FnMut(&mut Map<String, Value>, &'t str) -> Option<()>,
) -> Result<Map<String, Value>, String> {
    let (mut arguments, mut rest) = (Map::new(), body);
    while let Some((before, argument, after)) = between(rest, open, close) {
        nothing_left(before)?;
        add(&mut arguments, argument).ok_or_else(|| format!("`{open}` is malformed in a tool call"))?;
        rest = after;
    }
    nothing_left(rest)?;
    Ok(arguments)
}

fn one(name: &str, arguments: Map<String, Value>) -> Parsed {
    if name.is_empty() {
        return Err("a tool call has no name".to_owned());
    }
    Ok(vec![ParsedCall { id: None, name: name.to_owned(), arguments }])
}

/// `"f"><parameter name="a">1</parameter>`
pub(super) fn minimax_m2(text: &str, tools: &Tools<'_>) -> Parsed {
    let (name, body) = text.split_once('>').ok_or("a tool call has no name")?;
    let name = unquoted(name);
    let arguments = arguments(body, "<parameter name=", "</parameter>", |arguments, text| {
        let (key, value) = text.split_once('>')?;
        let key = unquoted(key);
        arguments.insert(key.to_owned(), tools.widest(name, key, value.trim()));
        Some(())
    })?;
    one(name, arguments)
}

/// `<function=f><parameter=a>1</parameter></function>`
pub(super) fn qwen3_coder(text: &str, tools: &Tools<'_>) -> Parsed {
    let (before, call, after) =
        between(text, "<function=", "</function>").ok_or("a tool call has no <function=…>…</function>")?;
    nothing_left(before)?;
    nothing_left(after)?;
    let (name, body) = tag_name(call).ok_or("a tool call has no name")?;
    let arguments = arguments(body, "<parameter=", "</parameter>", |arguments, text| {
        let (key, value) = tag_name(text)?;
        let value = value.strip_prefix('\n').unwrap_or(value);
        let value = value.strip_suffix('\n').unwrap_or(value);
        arguments.insert(key.to_owned(), tools.typed(name, key, value));
        Some(())
    })?;
    one(name, arguments)
}

/// The name at the end of an opening tag, and the text behind the tag.
fn tag_name(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start();
    let end = text.find(|c: char| c.is_whitespace() || c == '<' || c == '>').unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    (!name.is_empty()).then(|| (name, rest.strip_prefix('>').unwrap_or(rest)))
}

/// `"f"><param name="a">1</param>`, values perhaps in `<![CDATA[…]]>`.
pub(super) fn minicpm5(text: &str, tools: &Tools<'_>) -> Parsed {
    let (name, body) = text.split_once('>').ok_or("a tool call has no name")?;
    let name = unquoted(name);
    let arguments = arguments(body, "<param name=", "</param>", |arguments, text| {
        let (key, value) = text.split_once('>')?;
        let (key, value) = (unquoted(key), value.trim());
        let quoted = value.strip_prefix("<![CDATA[").and_then(|value| value.strip_suffix("]]>"));
        arguments.insert(key.to_owned(), tools.widest(name, key, quoted.unwrap_or(value)));
        Some(())
    })?;
    one(name, arguments)
}

/// ` name="f"><atem:parameter name="a">1</atem:parameter>`
pub(super) fn muse_spark(text: &str, _: &Tools<'_>) -> Parsed {
    let (tag, body) = text.split_once('>').ok_or("a tool call has no name")?;
    let arguments = arguments(body, "<atem:parameter", "</atem:parameter>", |arguments, text| {
        let (tag, value) = text.split_once('>')?;
        let value = serde_json::from_str(value).unwrap_or_else(|_| value.trim().into());
        arguments.insert(attribute(tag, "name")?.to_owned(), value);
        Some(())
    })?;
    one(attribute(tag, "name").unwrap_or_default(), arguments)
}

/// ` name="f"><｜DSML｜parameter name="a" string="false">1</｜DSML｜parameter>`
pub(super) fn deepseek_v32(text: &str, _: &Tools<'_>) -> Parsed {
    let (tag, body) = text.split_once('>').ok_or("a tool call has no name")?;
    let arguments = arguments(body, "<｜DSML｜parameter", "</｜DSML｜parameter>", |arguments, text| {
        let (tag, value) = text.split_once('>')?;
        let value = match attribute(tag, "string") {
            Some("false") => serde_json::from_str(value.trim()).ok()?,
            _ => value.into(),
        };
        arguments.insert(attribute(tag, "name")?.to_owned(), value);
        Some(())
    })?;
    one(attribute(tag, "name").unwrap_or_default(), arguments)
}

fn attribute<'t>(tag: &'t str, name: &str) -> Option<&'t str> {
    between(tag, &format!("{name}=\""), "\"").map(|(_, value, _)| value)
}

/// A name in single, double or no quotes.
fn unquoted(name: &str) -> &str {
    let name = name.trim();
    let inside = |quote: char| name.strip_prefix(quote)?.strip_suffix(quote);
    inside('"').or_else(|| inside('\'')).unwrap_or(name)
}
