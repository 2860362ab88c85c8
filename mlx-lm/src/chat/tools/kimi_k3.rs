//! Kimi K3's calls, whose arguments carry their types.

use serde_json::{Map, Value};

use super::{Parsed, ParsedCall, Tools, between, json, nothing_left};

/// ` tool="f" index="0"<|sep|>`, then `<|open|>argument key="a" type="string"<|sep|>Oslo<|close|>argument<|sep|>` any
/// number of times, or one `<|open|>json type="object"<|sep|>{…}<|close|>json<|sep|>`.
pub(super) fn call(text: &str, _: &Tools<'_>) -> Parsed {
    let (tag, body) = text.split_once("<|sep|>").ok_or("a tool call has no name")?;
    let name = attribute(tag, "tool").filter(|name| !name.is_empty()).ok_or("a tool call has no name")?;
    let arguments = match between(body, "<|open|>json", "<|close|>json<|sep|>") {
        Some((before, block, after)) => {
            nothing_left(before)?;
            nothing_left(after)?;
            json::arguments(block.split_once("<|sep|>").map_or(block, |(_, value)| value))?
        }
        None => arguments(body)?,
    };
    Ok(vec![ParsedCall { id: None, name, arguments }])
}

fn arguments(body: &str) -> Result<Map<String, Value>, String> {
    let (mut arguments, mut rest) = (Map::new(), body);
    while let Some((before, argument, after)) = between(rest, "<|open|>argument", "<|close|>argument<|sep|>")
    {
        nothing_left(before)?;
        let (tag, value) = argument.split_once("<|sep|>").ok_or("an argument of a tool call has no value")?;
        let key = attribute(tag, "key").ok_or("an argument of a tool call has no key")?;
        let is_string = attribute(tag, "type").is_none_or(|kind| kind == "string");
        let typed = if is_string { None } else { serde_json::from_str(value).ok() };
        arguments.insert(key, typed.unwrap_or_else(|| value.into()));
        rest = after;
    }
    nothing_left(rest)?;
    Ok(arguments)
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let (_, value, _) = between(tag, &format!("{name}=\""), "\"")?;
    Some(value.replace("&quot;", "\"").replace("&amp;", "&"))
}
