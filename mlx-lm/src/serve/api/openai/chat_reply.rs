//! `/v1/chat/completions`: what is answered, whole or piece by piece.

use super::{END_OF_STREAM, FINGERPRINT, comment, event, finish_reason, logprob, usage};
use crate::serve::{
    api::Style,
    failure::Failure,
    http::{Answer, Narrator},
    protocol::{Delta, Finished, TokenLogprob, ToolCall, Usage},
    random_hex, unix_time,
};
use serde_json::{Map, Value, json};
use std::time::SystemTime;

fn id() -> String {
    format!("chatcmpl-{}", random_hex())
}

fn logprobs(wanted: bool, tokens: &[TokenLogprob]) -> Value {
    if !wanted {
        return Value::Null;
    }
    json!({ "content": tokens.iter().map(logprob).collect::<Vec<_>>(), "refusal": null })
}

fn call(call: &ToolCall) -> Value {
    json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.name, "arguments": Value::Object(call.arguments.clone()).to_string() },
    })
}

/// A whole answer.
pub(super) fn whole(model: &str, answers: &[Answer], wants_logprobs: bool) -> Value {
    let mut total = Usage::default();
    answers.iter().for_each(|answer| total.add_choice(&answer.finished.usage));
    let choice = |(index, answer): (usize, &Answer)| {
        let Answer { delta, finished } = answer;
        let mut message = Map::new();
        message.insert("role".into(), "assistant".into());
        let has_content = !delta.text.is_empty() || delta.calls.is_empty();
        message.insert("content".into(), if has_content { delta.text.clone().into() } else { Value::Null });
        message.insert("refusal".into(), Value::Null);
        if !delta.reasoning.is_empty() {
            message.insert("reasoning_content".into(), delta.reasoning.clone().into());
            message.insert("reasoning".into(), delta.reasoning.clone().into());
        }
        if !delta.calls.is_empty() {
            message.insert("tool_calls".into(), delta.calls.iter().map(call).collect());
        }
        json!({
            "index": index,
            "message": message,
            "logprobs": logprobs(wants_logprobs, &delta.logprobs),
            "finish_reason": finish_reason(finished.reason),
        })
    };
    json!({
        "id": id(),
        "object": "chat.completion",
        "created": unix_time(SystemTime::now()),
        "model": model,
        "system_fingerprint": FINGERPRINT,
        "choices": answers.iter().enumerate().map(choice).collect::<Vec<_>>(),
        "usage": usage(&total),
    })
}

/// An answer piece by piece.
pub(super) struct ChatStream {
    id: String,
    created: u64,
    model: String,
    wants_usage: bool,
    wants_logprobs: bool,
    /// Of each choice that has begun: how many calls it has made.
    calls: Vec<usize>,
    total: Usage,
}

impl ChatStream {
    pub(super) fn new(model: String, wants_usage: bool, wants_logprobs: bool) -> ChatStream {
        let (id, created) = (id(), unix_time(SystemTime::now()));
        ChatStream { id, created, model, wants_usage, wants_logprobs, calls: vec![], total: Usage::default() }
    }

    fn chunk(&self, choices: Value) -> Value {
        let mut chunk = json!({
            "id": self.id,
            "object": "chat.completion.chunk",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        });
        if self.wants_usage {
            chunk["usage"] = Value::Null;
        }
        chunk
    }

    fn choice(
        &self,
        index: usize,
        delta: Map<String, Value>,
        logprobs: Value,
        reason: Option<&str>,
        out: &mut String,
    ) {
        let choice = json!({ "index": index, "delta": delta, "logprobs": logprobs, "finish_reason": reason });
        event(&self.chunk(json!([choice])), out);
    }

    /// The first chunk of a choice says who speaks.
    fn begin_choice(&mut self, choice: usize, out: &mut String) {
        while self.calls.len() <= choice {
            let index = self.calls.len();
            self.calls.push(0);
            let mut role = Map::new();
            role.insert("role".into(), "assistant".into());
            role.insert("content".into(), "".into());
            self.choice(index, role, Value::Null, None, out);
        }
    }
}

impl Narrator for ChatStream {
    const MEDIA_TYPE: &'static str = "text/event-stream";

    fn begin(&mut self, out: &mut String) {
        self.begin_choice(0, out);
    }

    fn delta(&mut self, choice: usize, delta: Delta, out: &mut String) {
        self.begin_choice(choice, out);
        let mut fields = Map::new();
        if !delta.reasoning.is_empty() {
            fields.insert("reasoning_content".into(), delta.reasoning.clone().into());
            fields.insert("reasoning".into(), delta.reasoning.into());
        }
        if !delta.text.is_empty() || !delta.logprobs.is_empty() {
            fields.insert("content".into(), delta.text.into());
        }
        if !delta.calls.is_empty() {
            let first = self.calls[choice];
            self.calls[choice] += delta.calls.len();
            let numbered = |(i, one): (usize, &ToolCall)| {
                let mut value = call(one);
                value["index"] = json!(first + i);
                value
            };
            fields.insert("tool_calls".into(), delta.calls.iter().enumerate().map(numbered).collect());
        }
        let logprobs = logprobs(self.wants_logprobs, &delta.logprobs);
        self.choice(choice, fields, logprobs, None, out);
    }

    fn finished(&mut self, choice: usize, finished: Finished, out: &mut String) {
        self.begin_choice(choice, out);
        self.total.add_choice(&finished.usage);
        self.choice(choice, Map::new(), Value::Null, Some(finish_reason(finished.reason)), out);
    }

    fn end(&mut self, out: &mut String) {
        if self.wants_usage {
            let mut chunk = self.chunk(json!([]));
            chunk["usage"] = usage(&self.total);
            event(&chunk, out);
        }
        out.push_str(END_OF_STREAM);
    }

    fn failed(&mut self, failure: &Failure, out: &mut String) {
        event(&Style::OpenAi.failure(failure), out);
    }

    fn pulse(&mut self, progress: Option<(usize, usize)>, out: &mut String) {
        comment(progress, out);
    }
}
