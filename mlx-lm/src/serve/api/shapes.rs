//! What answers look like, for the OpenAPI document: handlers write JSON, whose outlines these tables tell.

use super::Style;
use serde_json::{Map, Value, json};

/// The fields that each answer has at its top, and their types.
type Fields = &'static [(&'static str, &'static str)];

const EVENTS: &str = "text/event-stream";
const LINES: &str = "application/x-ndjson";

/// Of each path that answers with a JSON object: its fields, and the media type of the stream that a request may ask for.
const ANSWERS: &[(&str, Option<&str>, Fields)] = &[
    ("/health", None, &[("status", "string")]),
    ("/ready", None, &[("status", "string"), ("version", "string"), ("models", "array")]),
    ("/openapi.json", None, &[("openapi", "string"), ("info", "object"), ("paths", "object")]),
    ("/v1/models", None, &[("object", "string"), ("data", "array")]),
    ("/v1/models/{model}", None, &[("id", "string"), ("object", "string"), ("created", "integer")]),
    ("/v1/chat/completions", Some(EVENTS), COMPLETION),
    ("/v1/completions", Some(EVENTS), COMPLETION),
    ("/v1/responses", Some(EVENTS), RESPONSE),
    ("/v1/embeddings", None, &[("object", "string"), ("data", "array"), ("usage", "object")]),
    ("/v1/messages", Some(EVENTS), MESSAGE),
    ("/v1/messages/count_tokens", None, &[("input_tokens", "integer")]),
    ("/api/version", None, &[("version", "string")]),
    ("/api/tags", None, &[("models", "array")]),
    ("/api/ps", None, &[("models", "array")]),
    ("/api/show", None, &[("details", "object"), ("model_info", "object"), ("capabilities", "array")]),
    ("/api/pull", Some(LINES), &[("status", "string")]),
    ("/api/generate", Some(LINES), &[("model", "string"), ("response", "string"), ("done", "boolean")]),
    ("/api/chat", Some(LINES), &[("model", "string"), ("message", "object"), ("done", "boolean")]),
    ("/api/embed", None, &[("model", "string"), ("embeddings", "array")]),
    ("/tokenize", None, &[("count", "integer"), ("tokens", "array")]),
    ("/detokenize", None, &[("content", "string")]),
    ("/apply-template", None, &[("prompt", "string")]),
];

const COMPLETION: Fields = &[
    ("id", "string"),
    ("object", "string"),
    ("created", "integer"),
    ("model", "string"),
    ("choices", "array"),
    ("usage", "object"),
];

const RESPONSE: Fields = &[
    ("id", "string"),
    ("object", "string"),
    ("created_at", "integer"),
    ("status", "string"),
    ("output", "array"),
    ("usage", "object"),
];

const MESSAGE: Fields = &[
    ("id", "string"),
    ("type", "string"),
    ("role", "string"),
    ("content", "array"),
    ("stop_reason", "string"),
    ("usage", "object"),
];

/// Adds to the OpenAPI document what answers and failures look like.
pub(super) fn describe(document: &mut Value) {
    correct_formats(document);
    let Some(paths) = document["paths"].as_object_mut() else { return };
    for (path, operations) in paths {
        let answer = ANSWERS.iter().find(|(described, ..)| described == path);
        let operations = operations.as_object_mut().into_iter().flat_map(Map::values_mut);
        for responses in operations.filter_map(|operation| operation["responses"].as_object_mut()) {
            for (status, response) in responses {
                match answer {
                    _ if status.as_str() >= "400" => {
                        response["content"] = json_content(failure(Style::of(path)))
                    }
                    Some((_, stream, fields)) => {
                        response["content"] = json_content(object(fields));
                        if let Some(media) = stream {
                            response["content"][media] = json!({ "schema": { "type": "string" } });
                        }
                    }
                    None => {}
                }
            }
        }
    }
}

/// The derived document calls numbers of 32 bits without a sign `int32`, which has half of them.
fn correct_formats(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            if fields.get("format").is_some_and(|format| format == "int32") && fields.contains_key("minimum")
            {
                fields.insert("format".into(), "uint32".into());
            }
            fields.values_mut().for_each(correct_formats);
        }
        Value::Array(items) => items.iter_mut().for_each(correct_formats),
        _ => {}
    }
}

fn json_content(schema: Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn object(fields: Fields) -> Value {
    let properties: Map<String, Value> =
        fields.iter().map(|(name, kind)| ((*name).to_owned(), json!({ "type": kind }))).collect();
    let names: Vec<&str> = fields.iter().map(|(name, _)| *name).collect();
    json!({ "type": "object", "properties": properties, "required": names })
}

/// As [`Style::failure`] writes it.
fn failure(style: Style) -> Value {
    let nested = |fields| {
        let mut schema = object(&[("error", "object")]);
        schema["properties"]["error"] = object(fields);
        schema
    };
    match style {
        Style::OpenAi => nested(&[("message", "string"), ("type", "string"), ("code", "string")]),
        Style::Anthropic => nested(&[("message", "string"), ("type", "string")]),
        Style::Ollama => object(&[("error", "string")]),
    }
}
