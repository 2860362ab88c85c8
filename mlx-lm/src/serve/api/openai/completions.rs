//! `/v1/completions`: the continuation of a text, without a chat template.

use super::{
    END_OF_STREAM, FINGERPRINT,
    chat::{MAX_CHOICES, StreamOptions, choices},
    comment, event, finish_reason, finite, usage,
};
use crate::serve::{
    App,
    api::{
        Style, document,
        fields::{MAX_TOKENS, OneOrMany, biases, inert, keep_alive, range, stops},
    },
    failure::Failure,
    http::{Answer, Caller, Generation, Narrator, Strict, collect, json, stream},
    protocol::{Delta, Finished, Input, Job, SamplingChoice, TokenLogprob, Usage},
    random_hex, unix_time,
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc, time::SystemTime};
use utoipa::ToSchema;

/// A request for the continuation of a text. What is left out is the model's own default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::CompletionRequest)]
pub(in crate::serve) struct CompletionRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    prompt: Prompt,
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    #[schema(minimum = 1)]
    max_tokens: Option<usize>,
    /// Choices for each prompt.
    #[schema(minimum = 1, maximum = 8)]
    n: Option<usize>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f32>,
    top_k: Option<u32>,
    #[schema(minimum = 0, maximum = 1)]
    min_p: Option<f32>,
    seed: Option<i64>,
    stop: Option<OneOrMany>,
    #[schema(minimum = -2, maximum = 2)]
    frequency_penalty: Option<f32>,
    #[schema(minimum = -2, maximum = 2)]
    presence_penalty: Option<f32>,
    repetition_penalty: Option<f32>,
    logit_bias: Option<BTreeMap<String, f32>>,
    /// Report the probabilities of this many tokens at each place.
    #[schema(minimum = 0, maximum = 20)]
    logprobs: Option<u8>,
    keep_alive: Option<Value>,
    echo: Option<Value>,
    suffix: Option<Value>,
    best_of: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    user: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = openai::Prompt)]
pub(super) enum Prompt {
    Text(String),
    Texts(Vec<String>),
    Tokens(Vec<u32>),
    TokenLists(Vec<Vec<u32>>),
}

impl Prompt {
    pub(super) fn inputs(self) -> Vec<Input> {
        match self {
            Prompt::Text(text) => vec![Input::Text(text)],
            Prompt::Texts(texts) => texts.into_iter().map(Input::Text).collect(),
            Prompt::Tokens(tokens) => vec![Input::Tokens(tokens)],
            Prompt::TokenLists(lists) => lists.into_iter().map(Input::Tokens).collect(),
        }
    }
}

impl CompletionRequest {
    /// The jobs, all choices of the first prompt first.
    fn jobs(&mut self, caller: Caller) -> Result<Vec<Job>, Failure> {
        inert("echo", &self.echo, &[json!(false)])?;
        inert("suffix", &self.suffix, &[json!("")])?;
        inert("best_of", &self.best_of, &[json!(1), json!(self.n)])?;
        let job = Job {
            max_tokens: range("max_tokens", self.max_tokens, 1..=MAX_TOKENS)?,
            sampling: SamplingChoice {
                temperature: range("temperature", self.temperature, 0.0..=2.0)?,
                top_p: range("top_p", self.top_p, 0.0..=1.0)?,
                top_k: self.top_k,
                min_p: range("min_p", self.min_p, 0.0..=1.0)?,
                seed: self.seed.map(i64::cast_unsigned),
                repetition_penalty: range("repetition_penalty", self.repetition_penalty, 0.01..=10.0)?,
                presence_penalty: range("presence_penalty", self.presence_penalty, -2.0..=2.0)?,
                frequency_penalty: range("frequency_penalty", self.frequency_penalty, -2.0..=2.0)?,
                penalty_window: None,
                logit_bias: biases(self.logit_bias.take())?,
            },
            stop: stops("stop", self.stop.take())?,
            logprobs: range("logprobs", self.logprobs, 0..=20)?,
            salt: caller.salt,
            ..Job::default()
        };
        let prompt = std::mem::replace(&mut self.prompt, Prompt::Text(String::new()));
        let mut jobs = vec![];
        for input in prompt.inputs() {
            jobs.extend(choices(Job { input, ..job.clone() }, self.n)?);
        }
        if jobs.is_empty() || jobs.len() > MAX_CHOICES {
            let message =
                format!("`prompt` has {} prompts and choices; 1 to {MAX_CHOICES} are served", jobs.len());
            return Err(Failure::invalid("prompt", message));
        }
        Ok(jobs)
    }
}

/// Continue a text
#[utoipa::path(post, path = "/v1/completions", tag = "OpenAI", request_body = CompletionRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(mut request): Strict<CompletionRequest>,
) -> Result<Response, Failure> {
    let jobs = request.jobs(caller)?;
    let CompletionRequest { model, stream: streams, stream_options, keep_alive: keep, .. } = request;
    let logprobs = jobs.first().is_some_and(|job| job.logprobs.is_some());
    let generation = Generation::start(&app, &model, keep_alive(keep)?, jobs).await?;
    let writer = Writer {
        id: format!("cmpl-{}", random_hex()),
        created: unix_time(SystemTime::now()),
        model,
        wants_logprobs: logprobs,
        wants_usage: stream_options.unwrap_or_default().include_usage,
        written: vec![],
        total: Usage::default(),
    };
    if streams.unwrap_or(false) {
        return Ok(stream(generation, writer));
    }
    Ok(json(&writer.whole(&collect(generation).await?)))
}

/// Writes answers, whole or piece by piece.
struct Writer {
    id: String,
    created: u64,
    model: String,
    wants_logprobs: bool,
    wants_usage: bool,
    /// Of each choice, the bytes of text written so far.
    written: Vec<usize>,
    total: Usage,
}

impl Writer {
    fn envelope(&self, choices: Value) -> Value {
        json!({
            "id": self.id,
            "object": "text_completion",
            "created": self.created,
            "model": self.model,
            "system_fingerprint": FINGERPRINT,
            "choices": choices,
        })
    }

    fn choice(&self, index: usize, delta: &Delta, offset: usize, reason: Option<&str>) -> Value {
        let logprobs = if self.wants_logprobs { logprobs(&delta.logprobs, offset) } else { Value::Null };
        // Nothing is hidden here: what the model thinks is part of the text.
        let text = format!("{}{}", delta.reasoning, delta.text);
        json!({ "index": index, "text": text, "logprobs": logprobs, "finish_reason": reason })
    }

    fn whole(&self, answers: &[Answer]) -> Value {
        let mut total = Usage::default();
        answers.iter().for_each(|answer| total.add_choice(&answer.finished.usage));
        let choice = |(index, answer): (usize, &Answer)| {
            self.choice(index, &answer.delta, 0, Some(finish_reason(answer.finished.reason)))
        };
        let mut envelope = self.envelope(answers.iter().enumerate().map(choice).collect());
        envelope["usage"] = usage(&total);
        envelope
    }
}

/// In the form of completions: lists side by side.
fn logprobs(tokens: &[TokenLogprob], mut offset: usize) -> Value {
    let (mut texts, mut values, mut tops, mut offsets) = (vec![], vec![], vec![], vec![]);
    for token in tokens {
        texts.push(token.token.clone());
        values.push(finite(token.logprob));
        let top: Map<String, Value> =
            token.top.iter().map(|(_, text, logprob)| (text.clone(), finite(*logprob).into())).collect();
        tops.push(top);
        offsets.push(offset);
        offset += token.token.len();
    }
    json!({ "tokens": texts, "token_logprobs": values, "top_logprobs": tops, "text_offset": offsets })
}

impl Narrator for Writer {
    const MEDIA_TYPE: &'static str = "text/event-stream";

    fn delta(&mut self, choice: usize, delta: Delta, out: &mut String) {
        self.written.resize(self.written.len().max(choice + 1), 0);
        let value = self.choice(choice, &delta, self.written[choice], None);
        self.written[choice] += delta.reasoning.len() + delta.text.len();
        event(&self.envelope(json!([value])), out);
    }

    fn finished(&mut self, choice: usize, finished: Finished, out: &mut String) {
        self.total.add_choice(&finished.usage);
        let mut value = self.choice(choice, &Delta::default(), 0, Some(finish_reason(finished.reason)));
        value["logprobs"] = Value::Null;
        event(&self.envelope(json!([value])), out);
    }

    fn end(&mut self, out: &mut String) {
        if self.wants_usage {
            let mut envelope = self.envelope(json!([]));
            envelope["usage"] = usage(&self.total);
            event(&envelope, out);
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
