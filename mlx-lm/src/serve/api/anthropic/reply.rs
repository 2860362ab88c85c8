//! `/v1/messages`: what is answered, whole or as events.

use crate::serve::{
    api::Style,
    failure::Failure,
    http::{Answer, Narrator},
    protocol::{Delta, Finished, Reason, ToolCall, Usage},
    random_hex,
};
use serde_json::{Value, json};

fn id() -> String {
    format!("msg_{}", random_hex())
}

fn stop_reason(finished: &Finished) -> &'static str {
    match finished.reason {
        Reason::Stop if finished.stop.is_some() => "stop_sequence",
        Reason::Stop => "end_turn",
        Reason::Length => "max_tokens",
        Reason::ToolCalls => "tool_use",
    }
}

/// Tokens that came from the cache are not counted among the input's, as in Anthropic's service.
fn usage(usage: &Usage) -> Value {
    json!({
        "input_tokens": usage.prompt - usage.cached.min(usage.prompt),
        "cache_read_input_tokens": usage.cached,
        "cache_creation_input_tokens": 0,
        "output_tokens": usage.completion,
    })
}

fn tool_use(call: ToolCall) -> Value {
    json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": call.arguments })
}

pub(super) fn whole(model: &str, answer: Answer) -> Value {
    let Answer { delta, finished } = answer;
    let mut content = vec![];
    if !delta.reasoning.is_empty() {
        content.push(json!({ "type": "thinking", "thinking": delta.reasoning, "signature": "" }));
    }
    if !delta.text.is_empty() || delta.calls.is_empty() {
        content.push(json!({ "type": "text", "text": delta.text }));
    }
    content.extend(delta.calls.into_iter().map(tool_use));
    json!({
        "id": id(),
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": content,
        "stop_reason": stop_reason(&finished),
        "stop_sequence": finished.stop,
        "usage": usage(&finished.usage),
    })
}

/// An answer as events: blocks that begin, grow and end, one after the other.
pub(super) struct MessageStream {
    model: String,
    prompt_tokens: usize,
    /// Blocks that have begun.
    blocks: usize,
    open: Option<Kind>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Thinking,
    Text,
}

impl MessageStream {
    pub(super) fn new(model: String, prompt_tokens: usize) -> MessageStream {
        MessageStream { model, prompt_tokens, blocks: 0, open: None }
    }

    /// The number of the block that grows now.
    fn index(&self) -> usize {
        self.blocks.saturating_sub(1)
    }

    fn start(&mut self, block: &Value, out: &mut String) {
        self.stop(out);
        self.blocks += 1;
        let value = json!({ "type": "content_block_start", "index": self.index(), "content_block": block });
        event("content_block_start", &value, out);
    }

    fn grow(&mut self, delta: &Value, out: &mut String) {
        let value = json!({ "type": "content_block_delta", "index": self.index(), "delta": delta });
        event("content_block_delta", &value, out);
    }

    /// Ends the block that is open.
    fn stop(&mut self, out: &mut String) {
        if self.open.take().is_some() {
            self.end_block(out);
        }
    }

    fn end_block(&mut self, out: &mut String) {
        let value = json!({ "type": "content_block_stop", "index": self.index() });
        event("content_block_stop", &value, out);
    }

    /// Makes sure that a block of `kind` is open.
    fn open(&mut self, kind: Kind, out: &mut String) {
        if self.open == Some(kind) {
            return;
        }
        let block = match kind {
            Kind::Thinking => json!({ "type": "thinking", "thinking": "", "signature": "" }),
            Kind::Text => json!({ "type": "text", "text": "" }),
        };
        self.start(&block, out);
        self.open = Some(kind);
    }
}

fn event(name: &str, value: &Value, out: &mut String) {
    out.push_str(&format!("event: {name}\ndata: {value}\n\n"));
}

impl Narrator for MessageStream {
    const MEDIA_TYPE: &'static str = "text/event-stream";

    fn begin(&mut self, out: &mut String) {
        let usage = usage(&Usage { prompt: self.prompt_tokens, ..Usage::default() });
        let message = json!({
            "id": id(), "type": "message", "role": "assistant", "model": self.model, "content": [],
            "stop_reason": null, "stop_sequence": null, "usage": usage,
        });
        event("message_start", &json!({ "type": "message_start", "message": message }), out);
    }

    fn delta(&mut self, _choice: usize, delta: Delta, out: &mut String) {
        if !delta.reasoning.is_empty() {
            self.open(Kind::Thinking, out);
            self.grow(&json!({ "type": "thinking_delta", "thinking": delta.reasoning }), out);
        }
        if !delta.text.is_empty() {
            self.open(Kind::Text, out);
            self.grow(&json!({ "type": "text_delta", "text": delta.text }), out);
        }
        for call in delta.calls {
            let arguments = Value::Object(call.arguments).to_string();
            self.start(&json!({ "type": "tool_use", "id": call.id, "name": call.name, "input": {} }), out);
            self.grow(&json!({ "type": "input_json_delta", "partial_json": arguments }), out);
            self.end_block(out);
        }
    }

    fn finished(&mut self, _choice: usize, finished: Finished, out: &mut String) {
        if self.blocks == 0 {
            self.open(Kind::Text, out);
        }
        self.stop(out);
        let value = json!({
            "type": "message_delta",
            "delta": { "stop_reason": stop_reason(&finished), "stop_sequence": finished.stop },
            "usage": usage(&finished.usage),
        });
        event("message_delta", &value, out);
        event("message_stop", &json!({ "type": "message_stop" }), out);
    }

    fn failed(&mut self, failure: &Failure, out: &mut String) {
        event("error", &Style::Anthropic.failure(failure), out);
    }

    fn pulse(&mut self, _progress: Option<(usize, usize)>, out: &mut String) {
        event("ping", &json!({ "type": "ping" }), out);
    }
}
