//! Conversations as clients send them, in the shape that templates of text models read.

use serde_json::{Map, Value};

use super::Message;
use crate::error::{Error, Result};

/// The messages with their text in one piece, and with the arguments of tool calls as objects.
///
/// Clients of the OpenAI protocol send text in parts and arguments as JSON text; few templates read either.
///
/// # Errors
/// [`Error::Invalid`] naming a part that is no text, and arguments that are not JSON objects.
pub(crate) fn normalized(messages: &[Message]) -> Result<Vec<Message>> {
    let mut messages = messages.to_vec();
    for (index, message) in messages.iter_mut().enumerate() {
        let place = || format!("message {} ({})", index + 1, message.role());
        let content = match message.fields().get("content") {
            Some(Value::Array(parts)) => Some(joined(parts).map_err(|what| not_text(&place(), &what))?),
            Some(Value::Object(_) | Value::Number(_) | Value::Bool(_)) => {
                return Err(Error::Invalid(format!(
                    "{}: `content` must be text or a list of text parts",
                    place()
                )));
            }
            _ => None,
        };
        let invalid = place() + ": the arguments of a tool call must be a JSON object";
        if let Some(text) = content {
            message.fields_mut().insert("content".into(), Value::String(text));
        }
        for arguments in arguments_of(message) {
            if let Value::String(text) = arguments {
                let object = if text.trim().is_empty() { Ok(Map::new()) } else { serde_json::from_str(text) };
                *arguments =
                    Value::Object(object.map_err(|error| Error::Invalid(format!("{invalid}: {error}")))?);
            }
        }
    }
    Ok(messages)
}

/// The messages with the arguments of tool calls as JSON text, which some templates need; none without calls.
pub(crate) fn with_argument_text(messages: &[Message]) -> Option<Vec<Message>> {
    let mut messages = messages.to_vec();
    let mut found = false;
    for arguments in messages.iter_mut().flat_map(arguments_of) {
        found = true;
        if !arguments.is_string() {
            *arguments = Value::String(super::json::python_dumps(arguments)?);
        }
    }
    found.then_some(messages)
}

fn not_text(place: &str, what: &str) -> Error {
    Error::Invalid(format!("{place} has a part of type `{what}`; only text can be read here"))
}

/// The text of all parts, or the type of the first that is none.
fn joined(parts: &[Value]) -> Result<String, String> {
    let text = |part: &Value| match part {
        Value::String(text) => Ok(text.clone()),
        part => match (part.get("type").and_then(Value::as_str), part.get("text").and_then(Value::as_str)) {
            (Some("text" | "input_text" | "output_text") | None, Some(text)) => Ok(text.to_owned()),
            (kind, _) => Err(kind.unwrap_or("unknown").to_owned()),
        },
    };
    parts.iter().map(text).collect()
}

fn arguments_of(message: &mut Message) -> impl Iterator<Item = &mut Value> {
    let calls = message.fields_mut().get_mut("tool_calls").and_then(Value::as_array_mut);
    calls.into_iter().flatten().filter_map(|call| match call.get("function").is_some() {
        true => call.get_mut("function")?.get_mut("arguments"),
        false => call.get_mut("arguments"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn text_parts_are_joined_and_arguments_become_objects() {
        let call = |arguments: Value| json!([{ "type": "function", "function": { "name": "f", "arguments": arguments } }]);
        let user = Message::new(
            "user",
            json!([{ "type": "text", "text": "a " }, { "type": "text", "text": "b" }, "c"]),
        );
        let assistant = Message::assistant("").with("tool_calls", call(json!("{\"b\": 1, \"a\": [true]}")));
        let messages = normalized(&[user, assistant]).unwrap();
        assert_eq!(messages[0].content(), Some("a bc"));
        assert_eq!(messages[1].fields()["tool_calls"], call(json!({ "b": 1, "a": [true] })));
        let text = with_argument_text(&messages).unwrap();
        assert_eq!(text[1].fields()["tool_calls"], call(json!("{\"b\": 1, \"a\": [true]}")));
        assert!(with_argument_text(&messages[..1]).is_none());
    }

    #[test]
    fn what_is_no_text_is_refused_by_name() {
        for (message, part) in [
            (json!({ "role": "user", "content": [{ "type": "image_url", "image_url": {} }] }), "`image_url`"),
            (json!({ "role": "user", "content": { "text": "a" } }), "message 1 (user)"),
            (
                json!({ "role": "assistant", "tool_calls": [{ "function": { "name": "f", "arguments": "{" } }] }),
                "tool call",
            ),
        ] {
            let message: Message = serde_json::from_value(message).unwrap();
            assert!(normalized(&[message]).unwrap_err().to_string().contains(part));
        }
    }
}
