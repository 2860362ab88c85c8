//! Checks that the fields of all APIs share.

use crate::{
    Message,
    serve::{failure::Failure, fleet::KeepAlive, protocol::Format},
};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fmt::Display, ops::RangeInclusive};

/// The most entries of lists in requests.
pub(super) const MAX_MESSAGES: usize = 4096;
pub(super) const MAX_TOOLS: usize = 256;
pub(super) const MAX_STOPS: usize = 16;
const MAX_STOP_BYTES: usize = 1024;
const MAX_BIASES: usize = 1024;
const MAX_KWARGS: usize = 32;
const MAX_KWARG_BYTES: usize = 4096;
const MAX_SCHEMA_BYTES: usize = 64 << 10;
const MAX_SCHEMA_DEPTH: usize = 32;

/// More than any context.
pub(super) const MAX_TOKENS: usize = 1 << 30;

/// Refuses a value that is out of its range.
pub(super) fn range<T: PartialOrd + Display + Copy>(
    param: &str,
    value: Option<T>,
    allowed: RangeInclusive<T>,
) -> Result<Option<T>, Failure> {
    match value {
        Some(value) if !allowed.contains(&value) => {
            let (least, most) = allowed.into_inner();
            Err(Failure::invalid(param, format!("`{param}` is {value}; it must be from {least} to {most}")))
        }
        value => Ok(value),
    }
}

/// Refuses a list that is too long.
pub(super) fn at_most(param: &str, length: usize, most: usize) -> Result<(), Failure> {
    if length > most {
        return Err(Failure::invalid(param, format!("`{param}` has {length} entries; {most} are the most")));
    }
    Ok(())
}

/// Lets a field that is not served pass where it says what happens anyway.
pub(super) fn inert(param: &str, value: &Option<Value>, allowed: &[Value]) -> Result<(), Failure> {
    match value {
        None | Some(Value::Null) => Ok(()),
        Some(value) if allowed.contains(value) => Ok(()),
        Some(_) => {
            let allowed: Vec<String> = allowed.iter().map(Value::to_string).collect();
            let hint = if allowed.is_empty() {
                String::new()
            } else {
                format!(" other than {}", allowed.join(", "))
            };
            Err(Failure::unsupported(param, format!("this server does not serve `{param}`{hint}")))
        }
    }
}

/// One stop string, or several.
#[derive(Clone, Debug, serde::Deserialize, utoipa::ToSchema)]
#[serde(untagged)]
pub(super) enum OneOrMany {
    One(String),
    Many(Vec<String>),
}

impl From<OneOrMany> for Vec<String> {
    fn from(strings: OneOrMany) -> Vec<String> {
        match strings {
            OneOrMany::One(string) => vec![string],
            OneOrMany::Many(strings) => strings,
        }
    }
}

/// Checks stop strings.
pub(super) fn stops(param: &str, strings: Option<OneOrMany>) -> Result<Vec<String>, Failure> {
    let strings: Vec<String> = strings.map(Into::into).unwrap_or_default();
    at_most(param, strings.len(), MAX_STOPS)?;
    if strings.iter().any(|string| string.is_empty() || string.len() > MAX_STOP_BYTES) {
        return Err(Failure::invalid(
            param,
            format!("each of `{param}` must have 1 to {MAX_STOP_BYTES} bytes"),
        ));
    }
    Ok(strings)
}

/// Checks biases, whose keys are token ids. That the model has these tokens is checked when it is known.
pub(super) fn biases(biases: Option<BTreeMap<String, f32>>) -> Result<Vec<(u32, f32)>, Failure> {
    let biases = biases.unwrap_or_default();
    at_most("logit_bias", biases.len(), MAX_BIASES)?;
    let read = |(id, bias): (String, f32)| {
        let id = id.parse().map_err(|_| Failure::invalid("logit_bias", format!("`{id}` is no token id")))?;
        if !(-100.0..=100.0).contains(&bias) {
            return Err(Failure::invalid("logit_bias", format!("the bias {bias} must be from -100 to 100")));
        }
        Ok((id, bias))
    };
    biases.into_iter().map(read).collect()
}

/// Variables for the chat template: plain values, none of which replaces what the server passes.
pub(super) fn kwargs(param: &str, kwargs: Option<Map<String, Value>>) -> Result<Map<String, Value>, Failure> {
    const OWN: [&str; 4] = ["messages", "tools", "documents", "add_generation_prompt"];
    let kwargs = kwargs.unwrap_or_default();
    at_most(param, kwargs.len(), MAX_KWARGS)?;
    for (key, value) in &kwargs {
        let refuse =
            |why: &str| Err(Failure::invalid(&format!("{param}.{key}"), format!("`{param}.{key}` {why}")));
        if OWN.contains(&key.as_str()) || key.ends_with("_token") {
            return refuse("belongs to the server");
        }
        let plain = match value {
            Value::String(text) => text.len() <= MAX_KWARG_BYTES,
            Value::Bool(_) | Value::Number(_) | Value::Null => true,
            Value::Array(_) | Value::Object(_) => false,
        };
        if !plain {
            return refuse("must be a short text, a number, true, false or null");
        }
    }
    Ok(kwargs)
}

/// How much a model is to think, as clients say it; the chat template's variables say it to the model.
pub(super) fn reasoning_effort(
    param: &str,
    effort: Option<String>,
    kwargs: &mut Map<String, Value>,
) -> Result<(), Failure> {
    let Some(effort) = effort else { return Ok(()) };
    const LEVELS: [&str; 7] = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
    if !LEVELS.contains(&effort.as_str()) {
        return Err(Failure::invalid(param, format!("`{param}` must be one of {}", LEVELS.join(", "))));
    }
    kwargs.entry("enable_thinking").or_insert_with(|| json!(effort != "none"));
    if effort != "none" {
        kwargs.entry("reasoning_effort").or_insert_with(|| json!(effort));
    }
    Ok(())
}

/// A JSON schema that the answer must follow, within limits.
pub(super) fn schema(param: &str, schema: Value) -> Result<Format, Failure> {
    fn depth(value: &Value) -> usize {
        match value {
            Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
            Value::Object(fields) => 1 + fields.values().map(depth).max().unwrap_or(0),
            _ => 0,
        }
    }
    if !schema.is_object() {
        return Err(Failure::invalid(param, format!("`{param}` must be a JSON schema, an object")));
    }
    let bytes = schema.to_string().len();
    if bytes > MAX_SCHEMA_BYTES || depth(&schema) > MAX_SCHEMA_DEPTH {
        let message = format!(
            "`{param}` is too large: {MAX_SCHEMA_BYTES} bytes and a depth of {MAX_SCHEMA_DEPTH} are the most"
        );
        return Err(Failure::invalid(param, message));
    }
    Ok(Format::Schema(schema))
}

/// The arguments of a call: an object, or JSON text of one.
pub(super) fn arguments(param: &str, arguments: Value) -> Result<Value, Failure> {
    let object = match arguments {
        Value::String(text) if text.trim().is_empty() => json!({}),
        Value::String(text) => serde_json::from_str(&text).unwrap_or(Value::Null),
        Value::Null => json!({}),
        other => other,
    };
    if object.is_object() {
        return Ok(object);
    }
    Err(Failure::invalid(param, format!("`{param}` must be a JSON object, or the text of one")))
}

/// A message for the chat template.
pub(super) fn message(param: &str, fields: Map<String, Value>) -> Result<Message, Failure> {
    Message::try_from(Value::Object(fields)).map_err(|error| Failure::invalid(param, error.to_string()))
}

/// How long the model stays after this request.
pub(super) fn keep_alive(value: Option<Value>) -> Result<Option<KeepAlive>, Failure> {
    let value = value.filter(|value| !value.is_null());
    value
        .map(|value| KeepAlive::from_json(&value))
        .transpose()
        .map_err(|why| Failure::invalid("keep_alive", why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_out_of_range_is_refused_by_name() {
        assert!(range("temperature", Some(f32::NAN), 0.0..=2.0).is_err());
        assert!(range("temperature", Some(2.0), 0.0..=2.0).is_ok());
        assert_eq!(range("n", Some(9), 1..=8).unwrap_err().param.as_deref(), Some("n"));
        let bias = |id: &str, bias| biases(Some([(id.to_owned(), bias)].into()));
        assert!(bias("-1", 1.0).is_err() && bias("4294967296", 1.0).is_err() && bias("7", 101.0).is_err());
        assert_eq!(bias("7", -100.0).unwrap(), [(7, -100.0)]);
        assert!(stops("stop", Some(OneOrMany::One(String::new()))).is_err());
        assert!(stops("stop", Some(OneOrMany::Many(vec!["x".into(); 17]))).is_err());
    }

    #[test]
    fn templates_get_plain_variables_only() {
        let given = |value: Value| kwargs("kwargs", value.as_object().cloned());
        assert!(given(json!({"enable_thinking": false, "level": "high", "n": 3})).is_ok());
        for hostile in [
            json!({"messages": "x"}),
            json!({"tools": null}),
            json!({"bos_token": "x"}),
            json!({"x": {"a": 1}}),
            json!({"x": [1]}),
            json!({"x": "y".repeat(5000)}),
        ] {
            assert!(given(hostile.clone()).is_err(), "{hostile}");
        }
    }

    #[test]
    fn schemas_have_limits() {
        let deep = (0..40).fold(json!({}), |inner, _| json!({"properties": inner}));
        assert!(schema("s", deep).is_err());
        assert!(schema("s", json!({"description": "x".repeat(70_000)})).is_err());
        assert!(schema("s", json!("x")).is_err());
        assert!(schema("s", json!({"type": "object"})).is_ok());
    }
}
