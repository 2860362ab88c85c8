//! What an answer must spell: JSON of a schema, or a call of a tool.

use crate::{
    Structure, Tokenizer,
    serve::protocol::{Conversation, Format, Input, Job, ToolChoice},
};
use serde_json::{Value, json};

/// Between two parts of JSON there are so many blanks at most: models may write them without end.
const BLANKS: &str = r"[ \n\r\t]{1,16}";

/// The format of tool calls that can be forced: JSON between these marks.
const FORCIBLE: &str = "json_tools";
const MARKS: [&str; 2] = ["<tool_call>", "</tool_call>"];

/// Whether a model's calls can be forced.
pub(super) fn can_force(tokenizer: &Tokenizer) -> bool {
    tokenizer.answer_format().tool_format() == Some(FORCIBLE)
}

/// Whether a job's conversation asks for a call.
pub(super) fn forces(conversation: &Conversation) -> bool {
    matches!(conversation.choice, ToolChoice::Required | ToolChoice::Named(_))
}

/// Whether a job's answer may be a call, though none is forced.
pub(super) fn may_call(conversation: &Conversation) -> bool {
    !conversation.tools.is_empty() && conversation.choice == ToolChoice::Auto
}

/// What the answer to `job` must spell, if it is not free.
pub(super) fn structure(tokenizer: &Tokenizer, job: &Job) -> Option<Structure> {
    let schema = match &job.format {
        Format::Text => None,
        Format::Json => Some(bounded(json!({ "type": "object" }))),
        Format::Schema(schema) => Some(bounded(schema.clone())),
    };
    match (&job.input, schema) {
        (Input::Chat(conversation), _) if forces(conversation) => {
            Some(Structure::Lark(format!("start: call\n{}", call(tokenizer, conversation))))
        }
        (Input::Chat(conversation), Some(schema)) if may_call(conversation) => {
            let more = if conversation.one_call { "" } else { " (\"\\n\" call)*" };
            let call = call(tokenizer, conversation);
            Some(Structure::Lark(format!("start: call{more} | answer\n{call}answer: %json {schema}\n")))
        }
        (_, schema) => schema.map(Structure::JsonSchema),
    }
}

/// The schema with bounded blanks, and none of the client's own options for the grammar.
fn bounded(mut schema: Value) -> Value {
    if let Some(fields) = schema.as_object_mut() {
        fields.insert("x-guidance".into(), json!({ "whitespace_pattern": BLANKS }));
    }
    schema
}

/// The rule `call` in Lark's notation: one call of a tool that may be called.
fn call(tokenizer: &Tokenizer, conversation: &Conversation) -> String {
    let may_be_called = |tool: &&Value| match &conversation.choice {
        ToolChoice::Named(name) => tool["function"]["name"] == name.as_str(),
        _ => true,
    };
    let schemas: Vec<Value> =
        conversation.tools.iter().filter(may_be_called).map(|tool| call_schema(&tool["function"])).collect();
    let schema = match <[Value; 1]>::try_from(schemas) {
        Ok([schema]) => schema,
        Err(schemas) => json!({ "anyOf": schemas }),
    };
    let [open, close] = MARKS.map(|mark| terminal(tokenizer, mark));
    format!("call: {open} \"\\n\" function \"\\n\" {close}\nfunction: %json {}\n", bounded(schema))
}

fn call_schema(function: &Value) -> Value {
    json!({
        "type": "object",
        "properties": { "name": { "const": function["name"] }, "arguments": function["parameters"] },
        "required": ["name", "arguments"],
        "additionalProperties": false,
    })
}

/// A mark is a special token in some vocabularies, which no text spells, and text in others.
fn terminal(tokenizer: &Tokenizer, mark: &str) -> String {
    let is_special = tokenizer
        .token_to_id(mark)
        .is_some_and(|id| tokenizer.decode(&[id], true).is_ok_and(|text| text.is_empty()));
    if is_special { mark.to_owned() } else { format!("\"{mark}\"") }
}
