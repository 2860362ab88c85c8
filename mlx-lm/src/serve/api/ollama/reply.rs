//! Answers as Ollama writes them: one JSON document, or one for each piece, on lines.

use crate::serve::{
    api::Style,
    failure::Failure,
    http::{Answer, Narrator},
    protocol::{Delta, Finished, Reason, TokenLogprob, ToolCall},
};
use serde_json::{Map, Value, json};
use std::time::{Duration, Instant};

/// Which of the two routes answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Generate,
    Chat,
}

/// Writes answers, whole or line by line.
pub(super) struct Writer {
    pub(super) kind: Kind,
    pub(super) model: String,
    pub(super) began: Instant,
    pub(super) load: Duration,
    pub(super) wants_logprobs: bool,
}

/// The present, as Ollama writes times.
pub(super) fn now() -> String {
    jiff::Timestamp::now().to_string()
}

fn call((index, call): (usize, &ToolCall)) -> Value {
    json!({ "id": call.id, "function": { "index": index, "name": call.name, "arguments": call.arguments } })
}

fn logprob(token: &TokenLogprob) -> Value {
    let entry = |text: &str, logprob: f32| json!({ "token": text, "logprob": logprob.max(-9999.0), "bytes": text.as_bytes() });
    let mut value = entry(&token.token, token.logprob);
    if !token.top.is_empty() {
        value["top_logprobs"] = token.top.iter().map(|(_, text, logprob)| entry(text, *logprob)).collect();
    }
    value
}

impl Writer {
    fn line(&self, delta: &Delta) -> Map<String, Value> {
        let mut line = Map::new();
        line.insert("model".into(), self.model.clone().into());
        line.insert("created_at".into(), now().into());
        match self.kind {
            Kind::Generate => {
                line.insert("response".into(), delta.text.clone().into());
                if !delta.reasoning.is_empty() {
                    line.insert("thinking".into(), delta.reasoning.clone().into());
                }
                if !delta.calls.is_empty() {
                    line.insert("tool_calls".into(), delta.calls.iter().enumerate().map(call).collect());
                }
            }
            Kind::Chat => {
                let mut message = json!({ "role": "assistant", "content": delta.text });
                if !delta.reasoning.is_empty() {
                    message["thinking"] = delta.reasoning.clone().into();
                }
                if !delta.calls.is_empty() {
                    message["tool_calls"] = delta.calls.iter().enumerate().map(call).collect();
                }
                line.insert("message".into(), message);
            }
        }
        if self.wants_logprobs && !delta.logprobs.is_empty() {
            line.insert("logprobs".into(), delta.logprobs.iter().map(logprob).collect());
        }
        line.insert("done".into(), false.into());
        line
    }

    fn last(&self, delta: &Delta, finished: &Finished) -> Value {
        let reason = if finished.reason == Reason::Length { "length" } else { "stop" };
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let mut line = self.line(delta);
        line.insert("done".into(), true.into());
        line.insert("done_reason".into(), reason.into());
        let counts = [
            ("total_duration", nanos(self.began.elapsed())),
            ("load_duration", nanos(self.load)),
            ("prompt_eval_count", finished.usage.prompt as u64),
            ("prompt_eval_duration", finished.timings.prefill),
            ("eval_count", finished.usage.completion as u64),
            ("eval_duration", finished.timings.decode),
        ];
        line.extend(counts.map(|(key, count)| (key.to_owned(), count.into())));
        line.into()
    }

    pub(super) fn whole(&self, answer: &Answer) -> Value {
        self.last(&answer.delta, &answer.finished)
    }
}

/// The answer to a request without a prompt, which only loads the model or lets it go.
pub(super) fn empty(kind: Kind, model: &str, reason: &str) -> Value {
    let mut value = json!({ "model": model, "created_at": now(), "done": true, "done_reason": reason });
    match kind {
        Kind::Generate => value["response"] = "".into(),
        Kind::Chat => value["message"] = json!({ "role": "assistant", "content": "" }),
    }
    value
}

impl Narrator for Writer {
    const MEDIA_TYPE: &'static str = "application/x-ndjson";

    fn delta(&mut self, _choice: usize, delta: Delta, out: &mut String) {
        out.push_str(&Value::from(self.line(&delta)).to_string());
        out.push('\n');
    }

    fn finished(&mut self, _choice: usize, finished: Finished, out: &mut String) {
        out.push_str(&self.last(&Delta::default(), &finished).to_string());
        out.push('\n');
    }

    fn failed(&mut self, failure: &Failure, out: &mut String) {
        out.push_str(&Style::Ollama.failure(failure).to_string());
        out.push('\n');
    }
}
