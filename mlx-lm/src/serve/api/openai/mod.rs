//! OpenAI's API.

pub(super) mod chat;
mod chat_reply;
pub(super) mod completions;
pub(super) mod embeddings;
pub(super) mod messages;
pub(super) mod models;
pub(super) mod responses;
mod responses_reply;

use crate::serve::protocol::{Reason, TokenLogprob, Usage};
use serde_json::{Value, json};

/// The field `system_fingerprint`: results are equal only between equal programs.
const FINGERPRINT: &str = concat!("mlx-lm-", env!("CARGO_PKG_VERSION"));

const END_OF_STREAM: &str = "data: [DONE]\n\n";

fn usage(usage: &Usage) -> Value {
    json!({
        "prompt_tokens": usage.prompt,
        "completion_tokens": usage.completion,
        "total_tokens": usage.total(),
        "prompt_tokens_details": { "cached_tokens": usage.cached },
        "completion_tokens_details": { "reasoning_tokens": usage.reasoning },
    })
}

fn finish_reason(reason: Reason) -> &'static str {
    match reason {
        Reason::Stop => "stop",
        Reason::Length => "length",
        Reason::ToolCalls => "tool_calls",
    }
}

/// An event of a stream of server-sent events.
fn event(value: &Value, out: &mut String) {
    out.push_str("data: ");
    out.push_str(&value.to_string());
    out.push_str("\n\n");
}

/// A comment of a stream, which clients ignore.
fn comment(progress: Option<(usize, usize)>, out: &mut String) {
    match progress {
        Some((done, total)) => out.push_str(&format!(": prompt {done}/{total}\n\n")),
        None => out.push_str(": waiting\n\n"),
    }
}

fn logprob(token: &TokenLogprob) -> Value {
    let entry = |text: &str, logprob: f32| json!({ "token": text, "logprob": finite(logprob), "bytes": text.as_bytes() });
    let mut value = entry(&token.token, token.logprob);
    value["top_logprobs"] = token.top.iter().map(|(_, text, logprob)| entry(text, *logprob)).collect();
    value
}

/// JSON has no infinity; OpenAI writes -9999 for the impossible.
fn finite(logprob: f32) -> f32 {
    logprob.max(-9999.0)
}
