//! `/v1/responses`: what is answered, whole or as events.

use super::logprob;
use crate::serve::{
    api::Style,
    failure::Failure,
    http::{Answer, Narrator},
    protocol::{Delta, Finished, Input, Job, Reason, ToolCall, Usage},
    random_hex, unix_time,
};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

/// What every form of the response says.
pub(super) struct Responder {
    id: String,
    created: u64,
    /// The fields that tell the request back.
    echo: Map<String, Value>,
}

impl Responder {
    pub(super) fn new(
        model: &str,
        job: &Job,
        instructions: Option<String>,
        metadata: Option<Map<String, Value>>,
    ) -> Responder {
        let mut echo = Map::new();
        let (tools, one_call) = match &job.input {
            Input::Chat(conversation) => (flat(&conversation.tools), conversation.one_call),
            _ => (vec![], false),
        };
        let fields = [
            ("model", json!(model)),
            ("instructions", json!(instructions)),
            ("metadata", json!(metadata.unwrap_or_default())),
            ("temperature", json!(job.sampling.temperature)),
            ("top_p", json!(job.sampling.top_p)),
            ("max_output_tokens", json!(job.max_tokens)),
            ("tools", json!(tools)),
            ("tool_choice", json!("auto")),
            ("parallel_tool_calls", json!(!one_call)),
            ("previous_response_id", Value::Null),
            ("store", json!(false)),
            ("truncation", json!("disabled")),
        ];
        echo.extend(fields.map(|(key, value)| (key.to_owned(), value)));
        Responder { id: format!("resp_{}", random_hex()), created: unix_time(SystemTime::now()), echo }
    }

    fn response(&self, status: &str, output: &[Value], finished: Option<&Finished>) -> Value {
        let mut response = json!({
            "id": self.id,
            "object": "response",
            "created_at": self.created,
            "status": status,
            "error": null,
            "incomplete_details": if status == "incomplete" { json!({ "reason": "max_output_tokens" }) } else { Value::Null },
            "output": output,
            "usage": finished.map(|finished| usage(&finished.usage)),
        });
        if let Some(fields) = response.as_object_mut() {
            fields.extend(self.echo.clone());
        }
        response
    }

    pub(super) fn whole(&self, answer: Answer) -> Value {
        let Answer { delta, finished } = answer;
        let mut output = vec![];
        if !delta.reasoning.is_empty() {
            output.push(reasoning(&item_id("rs"), &delta.reasoning));
        }
        if !delta.text.is_empty() || delta.calls.is_empty() {
            let logprobs = delta.logprobs.iter().map(logprob).collect();
            output.push(message(&item_id("msg"), &delta.text, logprobs, "completed"));
        }
        output.extend(delta.calls.iter().map(|call| function_call(&item_id("fc"), call)));
        self.response(status(&finished), &output, Some(&finished))
    }
}

/// Functions without the object around them, as responses have them.
fn flat(tools: &[Value]) -> Vec<Value> {
    let flat = |tool: &Value| {
        let mut flat = tool["function"].clone();
        flat["type"] = "function".into();
        flat["strict"] = false.into();
        flat
    };
    tools.iter().map(flat).collect()
}

fn status(finished: &Finished) -> &'static str {
    if finished.reason == Reason::Length { "incomplete" } else { "completed" }
}

fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt,
        "input_tokens_details": { "cached_tokens": usage.cached },
        "output_tokens": usage.completion,
        "output_tokens_details": { "reasoning_tokens": usage.reasoning },
        "total_tokens": usage.total(),
    })
}

fn item_id(prefix: &str) -> String {
    format!("{prefix}_{}", random_hex())
}

fn output_text(text: &str, logprobs: Vec<Value>) -> Value {
    json!({ "type": "output_text", "text": text, "annotations": [], "logprobs": logprobs })
}

fn message(id: &str, text: &str, logprobs: Vec<Value>, status: &str) -> Value {
    json!({
        "id": id, "type": "message", "role": "assistant", "status": status,
        "content": [output_text(text, logprobs)],
    })
}

fn reasoning(id: &str, text: &str) -> Value {
    json!({ "id": id, "type": "reasoning", "summary": [], "content": [{ "type": "reasoning_text", "text": text }] })
}

fn function_call(id: &str, call: &ToolCall) -> Value {
    json!({
        "id": id, "type": "function_call", "call_id": call.id, "name": call.name, "status": "completed",
        "arguments": Value::Object(call.arguments.clone()).to_string(),
    })
}

/// A response as events: items that begin, grow and end, one after the other.
pub(super) struct ResponseStream {
    responder: Responder,
    sequence: u64,
    /// Items that have ended.
    output: Vec<Value>,
    open: Option<Open>,
}

/// The item that grows.
struct Open {
    kind: Kind,
    id: String,
    text: String,
    logprobs: Vec<Value>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Reasoning,
    Message,
}

impl ResponseStream {
    pub(super) fn new(responder: Responder) -> ResponseStream {
        ResponseStream { responder, sequence: 0, output: vec![], open: None }
    }

    fn event(&mut self, name: &str, mut value: Value, out: &mut String) {
        value["type"] = name.into();
        value["sequence_number"] = self.sequence.into();
        self.sequence += 1;
        out.push_str(&format!("event: {name}\ndata: {value}\n\n"));
    }

    /// An event about the item that grows or ends now.
    fn item_event(&mut self, name: &str, id: &str, mut value: Value, out: &mut String) {
        value["item_id"] = id.into();
        value["output_index"] = self.output.len().into();
        self.event(name, value, out);
    }

    fn open(&mut self, kind: Kind, out: &mut String) {
        if self.open.as_ref().is_some_and(|open| open.kind == kind) {
            return;
        }
        self.close(out);
        let (id, item, part) = match kind {
            Kind::Reasoning => {
                let id = item_id("rs");
                let item = json!({ "id": id, "type": "reasoning", "summary": [], "content": [] });
                (id, item, json!({ "type": "reasoning_text", "text": "" }))
            }
            Kind::Message => {
                let id = item_id("msg");
                let item = json!({
                    "id": id, "type": "message", "role": "assistant", "status": "in_progress", "content": [],
                });
                (id, item, output_text("", vec![]))
            }
        };
        let index = self.output.len();
        self.event("response.output_item.added", json!({ "output_index": index, "item": item }), out);
        self.item_event("response.content_part.added", &id, json!({ "content_index": 0, "part": part }), out);
        self.open = Some(Open { kind, id, text: String::new(), logprobs: vec![] });
    }

    /// Ends the item that is open.
    fn close(&mut self, out: &mut String) {
        let Some(Open { kind, id, text, logprobs }) = self.open.take() else { return };
        let (name, part, item) = match kind {
            Kind::Reasoning => {
                let part = json!({ "type": "reasoning_text", "text": text });
                ("response.reasoning_text.done", part, reasoning(&id, &text))
            }
            Kind::Message => {
                let part = output_text(&text, logprobs.clone());
                ("response.output_text.done", part, message(&id, &text, logprobs.clone(), "completed"))
            }
        };
        let mut done = json!({ "content_index": 0, "text": text });
        if kind == Kind::Message {
            done["logprobs"] = logprobs.into();
        }
        self.item_event(name, &id, done, out);
        self.item_event("response.content_part.done", &id, json!({ "content_index": 0, "part": part }), out);
        self.end_item(item, out);
    }

    fn end_item(&mut self, item: Value, out: &mut String) {
        let index = self.output.len();
        self.event("response.output_item.done", json!({ "output_index": index, "item": item }), out);
        self.output.push(item);
    }

    fn grow(&mut self, kind: Kind, text: &str, logprobs: Vec<Value>, out: &mut String) {
        self.open(kind, out);
        let Some(open) = &mut self.open else { return };
        open.text.push_str(text);
        open.logprobs.extend(logprobs.clone());
        let id = open.id.clone();
        let mut value = json!({ "content_index": 0, "delta": text });
        let name = match kind {
            Kind::Reasoning => "response.reasoning_text.delta",
            Kind::Message => {
                value["logprobs"] = logprobs.into();
                "response.output_text.delta"
            }
        };
        self.item_event(name, &id, value, out);
    }

    fn call(&mut self, call: &ToolCall, out: &mut String) {
        self.close(out);
        let id = item_id("fc");
        let item = function_call(&id, call);
        let mut begun = item.clone();
        begun["arguments"] = "".into();
        begun["status"] = "in_progress".into();
        let index = self.output.len();
        self.event("response.output_item.added", json!({ "output_index": index, "item": begun }), out);
        let arguments = item["arguments"].clone();
        let delta = json!({ "delta": arguments });
        self.item_event("response.function_call_arguments.delta", &id, delta, out);
        let done = json!({ "name": call.name, "arguments": arguments });
        self.item_event("response.function_call_arguments.done", &id, done, out);
        self.end_item(item, out);
    }
}

impl Narrator for ResponseStream {
    const MEDIA_TYPE: &'static str = "text/event-stream";

    fn begin(&mut self, out: &mut String) {
        for name in ["response.created", "response.in_progress"] {
            let response = self.responder.response("in_progress", &[], None);
            self.event(name, json!({ "response": response }), out);
        }
    }

    fn delta(&mut self, _choice: usize, delta: Delta, out: &mut String) {
        if !delta.reasoning.is_empty() {
            self.grow(Kind::Reasoning, &delta.reasoning, vec![], out);
        }
        if !delta.text.is_empty() {
            self.grow(Kind::Message, &delta.text, delta.logprobs.iter().map(logprob).collect(), out);
        }
        for call in &delta.calls {
            self.call(call, out);
        }
    }

    fn finished(&mut self, _choice: usize, finished: Finished, out: &mut String) {
        if self.output.is_empty() && self.open.is_none() {
            self.open(Kind::Message, out);
        }
        self.close(out);
        let status = status(&finished);
        let response = self.responder.response(status, &self.output, Some(&finished));
        self.event(&format!("response.{status}"), json!({ "response": response }), out);
    }

    fn failed(&mut self, failure: &Failure, out: &mut String) {
        let mut response = self.responder.response("failed", &self.output, None);
        let error = Style::OpenAi.failure(failure);
        response["error"] = json!({ "code": error["error"]["code"], "message": error["error"]["message"] });
        self.event("response.failed", json!({ "response": response }), out);
    }

    fn pulse(&mut self, progress: Option<(usize, usize)>, out: &mut String) {
        super::comment(progress, out);
    }
}
