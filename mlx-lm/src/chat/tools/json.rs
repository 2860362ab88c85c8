//! Calls whose arguments are JSON.

use serde_json::{Map, Value};

use super::{Head, Parsed, ParsedCall, Tools, literal, nothing_left, start_of};

/// Calls as objects, or lists of them: `{"name": "f", "arguments": {…}}`.
pub(super) fn calls(text: &str, _: &Tools<'_>) -> Parsed {
    let values: Result<Vec<Value>, _> = serde_json::Deserializer::from_str(text).into_iter().collect();
    let values = match values {
        Ok(values) => values,
        // Some models write Python's literals.
        Err(error) => vec![literal::parse(text).ok_or_else(|| format!("a tool call is not JSON: {error}"))?],
    };
    let calls: Vec<ParsedCall> = values.into_iter().flat_map(flat).map(call).collect::<Result<_, _>>()?;
    if calls.is_empty() { Err("a tool call is empty".to_owned()) } else { Ok(calls) }
}

fn flat(value: Value) -> Vec<Value> {
    match value {
        Value::Array(values) => values,
        value => vec![value],
    }
}

/// A call in any of the shapes that models write.
fn call(value: Value) -> Result<ParsedCall, String> {
    let Value::Object(mut fields) = value else {
        return Err(format!("a tool call must be a JSON object, not {}", start_of(&value.to_string())));
    };
    let id = ["id", "tool_call_id"].iter().find_map(|key| fields.get(*key)?.as_str().map(str::to_owned));
    if let Some(Value::Object(function)) = fields.get("function") {
        fields = function.clone();
    }
    let name = ["name", "tool_name", "function"].iter().find_map(|key| fields.get(*key)?.as_str());
    let name = name.ok_or("a tool call has no name")?.to_owned();
    let arguments = ["arguments", "parameters"].iter().find_map(|key| fields.shift_remove(*key));
    Ok(ParsedCall { id, name, arguments: object(arguments.unwrap_or_default())? })
}

/// Arguments that stand alone.
pub(super) fn arguments(text: &str) -> Result<Map<String, Value>, String> {
    if text.trim().is_empty() {
        return Ok(Map::new());
    }
    let value = serde_json::from_str(text).or_else(|error| {
        literal::parse(text).ok_or_else(|| format!("the arguments of a tool call are not JSON: {error}"))
    })?;
    object(value)
}

/// Arguments as an object. Some models write them once more as a string.
fn object(value: Value) -> Result<Map<String, Value>, String> {
    let value = match value {
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::String(text)),
        value => value,
    };
    match value {
        Value::Object(fields) => Ok(fields),
        Value::Null => Ok(Map::new()),
        value => {
            let text = start_of(&value.to_string());
            Err(format!("the arguments of a tool call must be a JSON object, not {text}"))
        }
    }
}

/// The beginning of an object with its name before its arguments.
pub(super) fn head(text: &str) -> Option<Head> {
    let (mut name, mut id) = (None, None);
    let mut rest = text.trim_start().strip_prefix('{')?;
    loop {
        let (key, after) = string(rest)?;
        rest = after.trim_start().strip_prefix(':')?.trim_start();
        match key.as_str() {
            "arguments" | "parameters" if rest.starts_with('{') => {
                return Some(Head { id, name: name?, arguments: text.len() - rest.len() });
            }
            _ => (),
        }
        let (value, after) = string(rest)?;
        match key.as_str() {
            "name" => name = Some(value),
            "id" => id = Some(value),
            _ => (),
        }
        rest = after.trim_start().strip_prefix(',')?;
    }
}

/// The JSON string that `text` begins with, and the text behind it.
fn string(text: &str) -> Option<(String, &str)> {
    let text = text.trim_start();
    text.starts_with('"').then_some(())?;
    let mut values = serde_json::Deserializer::from_str(text).into_iter::<String>();
    let value = values.next()?.ok()?;
    Some((value, &text[values.byte_offset()..]))
}

/// `functions.f:0<|tool_call_argument_begin|>{…}`
pub(super) fn kimi_k2(text: &str, _: &Tools<'_>) -> Parsed {
    let (id, text) = text.split_once(KIMI_ARGUMENTS).ok_or("a tool call has no arguments")?;
    let name = kimi_name(id).ok_or("a tool call has no name")?;
    Ok(vec![ParsedCall { id: Some(id.trim().to_owned()), name, arguments: arguments(text)? }])
}

const KIMI_ARGUMENTS: &str = "<|tool_call_argument_begin|>";

pub(super) fn kimi_k2_head(text: &str) -> Option<Head> {
    let (id, rest) = text.split_once(KIMI_ARGUMENTS)?;
    let rest = rest.trim_start();
    let head =
        Head { id: Some(id.trim().to_owned()), name: kimi_name(id)?, arguments: text.len() - rest.len() };
    rest.starts_with('{').then_some(head)
}

fn kimi_name(id: &str) -> Option<String> {
    let id = id.trim();
    let name = id.strip_prefix("functions.").unwrap_or(id);
    let name = match name.rsplit_once(':') {
        Some((name, number)) if number.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => name,
    };
    (!name.is_empty()).then(|| name.to_owned())
}

/// A list of calls, or `f[ARGS]{…}` any number of times, each perhaps with an id: `f[CALL_ID]x[ARGS]{…}`.
pub(super) fn mistral(text: &str, tools: &Tools<'_>) -> Parsed {
    if text.trim_start().starts_with('[') {
        return calls(text, tools);
    }
    let mut parsed = Vec::new();
    let mut rest = text;
    while !rest.trim().is_empty() || parsed.is_empty() {
        let head = mistral_head(rest).ok_or_else(|| format!("{} is no tool call", start_of(rest.trim())))?;
        let text = &rest[head.arguments..];
        let mut values = serde_json::Deserializer::from_str(text).into_iter::<Map<String, Value>>();
        let value = values.next().ok_or("a tool call has no arguments")?;
        let arguments =
            value.map_err(|error| format!("the arguments of a tool call are not JSON: {error}"))?;
        rest = &text[values.byte_offset()..];
        parsed.push(ParsedCall { id: head.id, name: head.name, arguments });
    }
    Ok(parsed)
}

pub(super) fn mistral_head(text: &str) -> Option<Head> {
    let (name, rest) = text.split_once("[ARGS]")?;
    let (name, id) = match name.split_once("[CALL_ID]") {
        Some((name, id)) => (name, Some(id.trim().to_owned())),
        None => (name, None),
    };
    let (name, rest) = (name.trim(), rest.trim_start());
    let is_name = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    let head = Head { id, name: name.to_owned(), arguments: text.len() - rest.len() };
    (is_name && rest.starts_with('{')).then_some(head)
}

const DEEPSEEK_NAME: &str = "<｜tool▁sep｜>";

/// `f<｜tool▁sep｜>{…}`, or with the arguments in a block of code: `function<｜tool▁sep｜>f`, a line break, ` ```json `.
pub(super) fn deepseek(text: &str, _: &Tools<'_>) -> Parsed {
    let (before, after) = text.split_once(DEEPSEEK_NAME).ok_or("a tool call has no name")?;
    let (name, text) = match after.split_once("```json") {
        Some((name, rest)) if !name.contains('{') => {
            let (text, rest) = rest.rsplit_once("```").ok_or("a tool call's block of code does not end")?;
            nothing_left(rest)?;
            (name, text)
        }
        _ => (before, after),
    };
    if name.trim().is_empty() {
        return Err("a tool call has no name".to_owned());
    }
    Ok(vec![ParsedCall { id: None, name: name.trim().to_owned(), arguments: arguments(text)? }])
}

pub(super) fn deepseek_head(text: &str) -> Option<Head> {
    let (before, after) = text.split_once(DEEPSEEK_NAME)?;
    let (name, rest) = match after.split_once("```json") {
        Some((name, rest)) if !name.contains('{') => (name, rest),
        _ => (before, after),
    };
    let (name, rest) = (name.trim().to_owned(), rest.trim_start());
    let head = Head { id: None, arguments: text.len() - rest.len(), name };
    (rest.starts_with('{') && !head.name.is_empty()).then_some(head)
}
