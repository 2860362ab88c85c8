//! `/v1/chat/completions`: what is asked.

use super::{
    chat_reply::{ChatStream, whole},
    messages::{ChatMessage, Tool, messages, tool_choice, tools},
};
use crate::serve::{
    App,
    api::fields::{self, MAX_TOKENS, OneOrMany, biases, inert, kwargs, range, reasoning_effort, stops},
    failure::Failure,
    http::{Caller, Generation, Strict, collect, json, stream},
    protocol::{Conversation, Format, Input, Job, SamplingChoice},
    random_u64,
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, sync::Arc};
use utoipa::ToSchema;

/// The most choices of one request.
pub(super) const MAX_CHOICES: usize = 8;
pub(super) const MAX_TOP_LOGPROBS: u8 = 20;

/// A request for the next message of a conversation. What is left out is the model's own default.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ChatRequest)]
pub(in crate::serve) struct ChatRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    #[schema(min_items = 1)]
    messages: Vec<ChatMessage>,
    /// Send the answer piece by piece, as server-sent events.
    stream: Option<bool>,
    stream_options: Option<StreamOptions>,
    /// The most tokens to generate.
    #[schema(minimum = 1)]
    max_completion_tokens: Option<usize>,
    /// An older name of `max_completion_tokens`.
    #[schema(minimum = 1)]
    max_tokens: Option<usize>,
    /// Choices to generate.
    #[schema(minimum = 1, maximum = 8)]
    n: Option<usize>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f32>,
    /// Keep this many of the most probable tokens; 0 keeps all.
    top_k: Option<u32>,
    /// Keep tokens at least this times as probable as the most probable one.
    #[schema(minimum = 0, maximum = 1)]
    min_p: Option<f32>,
    /// Makes the answer repeatable.
    seed: Option<i64>,
    stop: Option<OneOrMany>,
    #[schema(minimum = -2, maximum = 2)]
    frequency_penalty: Option<f32>,
    #[schema(minimum = -2, maximum = 2)]
    presence_penalty: Option<f32>,
    /// Divides the scores of tokens that have occurred; 1 is none.
    repetition_penalty: Option<f32>,
    /// Added to the scores of tokens, by their ids.
    logit_bias: Option<BTreeMap<String, f32>>,
    logprobs: Option<bool>,
    #[schema(minimum = 0, maximum = 20)]
    top_logprobs: Option<u8>,
    response_format: Option<ResponseFormat>,
    tools: Option<Vec<Tool>>,
    /// `none`, `auto`, `required`, or a function.
    tool_choice: Option<Value>,
    /// False ends the answer after its first call.
    parallel_tool_calls: Option<bool>,
    /// `none` turns thinking off; the other levels are the chat template's to use.
    reasoning_effort: Option<String>,
    /// Variables for the chat template, such as `enable_thinking`.
    chat_template_kwargs: Option<Map<String, Value>>,
    /// How long the model stays loaded after this request: seconds, or a text such as `5m`.
    keep_alive: Option<Value>,
    modalities: Option<Value>,
    service_tier: Option<Value>,
    store: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    user: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    metadata: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    prompt_cache_key: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    prompt_cache_retention: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    safety_identifier: Option<Value>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::StreamOptions)]
pub(super) struct StreamOptions {
    /// Send the counts of tokens before the end.
    #[serde(default)]
    pub(super) include_usage: bool,
    #[allow(dead_code, reason = "nothing is obfuscated")]
    include_obfuscation: Option<bool>,
}

/// What the answer must be.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ResponseFormat)]
pub(super) struct ResponseFormat {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    kind: String,
    json_schema: Option<JsonSchema>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::JsonSchema)]
struct JsonSchema {
    #[allow(dead_code, reason = "for people")]
    name: Option<String>,
    #[allow(dead_code, reason = "for people")]
    description: Option<String>,
    schema: Option<Value>,
    #[allow(dead_code, reason = "schemas are always followed strictly")]
    strict: Option<bool>,
}

impl ResponseFormat {
    pub(super) fn format(self) -> Result<Format, Failure> {
        match (self.kind.as_str(), self.json_schema) {
            ("text", None) => Ok(Format::Text),
            ("json_object", None) => Ok(Format::Json),
            ("json_schema", Some(JsonSchema { schema: Some(schema), .. })) => {
                fields::schema("response_format.json_schema.schema", schema)
            }
            ("json_schema", _) => {
                let param = "response_format.json_schema.schema";
                Err(Failure::invalid(param, format!("missing field `{param}`")))
            }
            _ => {
                let message = "`response_format.type` must be text, json_object or json_schema";
                Err(Failure::invalid("response_format.type", message))
            }
        }
    }
}

/// A request taken apart: who is to answer, what, and how to say it.
struct Plan {
    model: String,
    jobs: Vec<Job>,
    stream: bool,
    usage: bool,
    keep_alive: Option<crate::serve::KeepAlive>,
}

impl ChatRequest {
    fn plan(self, caller: Caller) -> Result<Plan, Failure> {
        inert("modalities", &self.modalities, &[json!(["text"])])?;
        inert("service_tier", &self.service_tier, &[json!("auto"), json!("default")])?;
        inert("store", &self.store, &[json!(false)])?;
        let tools = tools(self.tools)?;
        let choice = tool_choice(self.tool_choice, &tools)?;
        let mut variables = kwargs("chat_template_kwargs", self.chat_template_kwargs)?;
        reasoning_effort("reasoning_effort", self.reasoning_effort, &mut variables)?;
        let conversation = Conversation {
            messages: messages(self.messages)?,
            tools,
            choice,
            kwargs: variables,
            one_call: self.parallel_tool_calls == Some(false),
            continue_last: false,
        };
        let job = Job {
            input: Input::Chat(conversation),
            max_tokens: self.max_completion_tokens.or(self.max_tokens),
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
                logit_bias: biases(self.logit_bias)?,
            },
            stop: stops("stop", self.stop)?,
            logprobs: logprobs(self.logprobs, self.top_logprobs)?,
            format: self.response_format.map_or(Ok(Format::Text), ResponseFormat::format)?,
            salt: caller.salt,
            context: None,
            deadline: None,
        };
        range("max_completion_tokens", job.max_tokens, 1..=MAX_TOKENS)?;
        Ok(Plan {
            model: self.model,
            jobs: choices(job, self.n)?,
            stream: self.stream.unwrap_or(false),
            usage: self.stream_options.unwrap_or_default().include_usage,
            keep_alive: fields::keep_alive(self.keep_alive)?,
        })
    }
}

fn logprobs(wanted: Option<bool>, top: Option<u8>) -> Result<Option<u8>, Failure> {
    match (wanted.unwrap_or(false), range("top_logprobs", top, 0..=MAX_TOP_LOGPROBS)?) {
        (true, top) => Ok(Some(top.unwrap_or(0))),
        (false, None | Some(0)) => Ok(None),
        (false, Some(_)) => Err(Failure::invalid("top_logprobs", "`top_logprobs` needs `logprobs`: true")),
    }
}

/// The same job for each choice, with seeds of their own.
pub(super) fn choices(job: Job, count: Option<usize>) -> Result<Vec<Job>, Failure> {
    let count = range("n", count, 1..=MAX_CHOICES)?.unwrap_or(1);
    let seed = job.sampling.seed.unwrap_or_else(random_u64);
    let choice = |choice: usize| {
        let mut job = job.clone();
        job.sampling.seed = Some(seed.wrapping_add(choice as u64));
        job
    };
    Ok((0..count).map(choice).collect())
}

/// Answer a conversation
#[utoipa::path(post, path = "/v1/chat/completions", tag = "OpenAI", request_body = ChatRequest,
    responses(crate::serve::api::document::Json, crate::serve::api::document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(request): Strict<ChatRequest>,
) -> Result<Response, Failure> {
    let Plan { model, jobs, stream: streams, usage, keep_alive } = request.plan(caller)?;
    let logprobs = jobs.first().is_some_and(|job| job.logprobs.is_some());
    let generation = Generation::start(&app, &model, keep_alive, jobs).await?;
    if streams {
        return Ok(stream(generation, ChatStream::new(model, usage, logprobs)));
    }
    let answers = collect(generation).await?;
    Ok(json(&whole(&model, &answers, logprobs)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::failure::Kind;

    fn plan(more: Value) -> Result<Plan, Failure> {
        let mut request = json!({"model": "m", "messages": [{"role": "user", "content": "hi"}]});
        let fields = request.as_object_mut().unwrap();
        fields.extend(more.as_object().unwrap().clone());
        serde_json::from_value::<ChatRequest>(request).unwrap().plan(Caller::default())
    }

    #[test]
    fn fields_become_a_job() {
        let plan = plan(json!({
            "max_tokens": 5, "n": 3, "seed": 7, "temperature": 0.5, "stop": "x", "logit_bias": {"3": -100},
            "logprobs": true, "top_logprobs": 2, "response_format": {"type": "json_object"},
            "reasoning_effort": "none", "keep_alive": "1m", "user": "someone", "modalities": ["text"],
        }))
        .unwrap();
        assert_eq!(plan.jobs.len(), 3);
        let seeds: Vec<_> = plan.jobs.iter().map(|job| job.sampling.seed).collect();
        assert_eq!(seeds, [Some(7), Some(8), Some(9)]);
        let job = &plan.jobs[0];
        assert_eq!((job.max_tokens, job.logprobs, &job.format), (Some(5), Some(2), &Format::Json));
        assert_eq!(
            (job.stop.as_slice(), job.sampling.logit_bias.as_slice()),
            (&["x".to_owned()][..], &[(3, -100.0)][..])
        );
        let Input::Chat(conversation) = &job.input else { panic!("no conversation") };
        assert_eq!(conversation.kwargs["enable_thinking"], json!(false));
    }

    #[test]
    fn values_that_are_not_served_are_refused_by_name() {
        for (more, param) in [
            (json!({"n": 0}), "n"),
            (json!({"n": 9}), "n"),
            (json!({"temperature": 3}), "temperature"),
            (json!({"max_tokens": 0}), "max_completion_tokens"),
            (json!({"top_logprobs": 21, "logprobs": true}), "top_logprobs"),
            (json!({"top_logprobs": 3}), "top_logprobs"),
            (json!({"store": true}), "store"),
            (json!({"modalities": ["audio"]}), "modalities"),
            (json!({"service_tier": "flex"}), "service_tier"),
            (json!({"response_format": {"type": "grammar"}}), "response_format.type"),
            (json!({"response_format": {"type": "json_schema"}}), "response_format.json_schema.schema"),
            (json!({"reasoning_effort": "enormous"}), "reasoning_effort"),
            (json!({"chat_template_kwargs": {"messages": "x"}}), "chat_template_kwargs.messages"),
            (json!({"keep_alive": "soon"}), "keep_alive"),
            (json!({"tool_choice": "required"}), "tool_choice"),
        ] {
            let Err(failure) = plan(more.clone()) else { panic!("{more} was accepted") };
            assert_eq!(failure.param.as_deref(), Some(param), "{more}");
            assert!(matches!(failure.kind, Kind::Invalid | Kind::Unsupported));
        }
    }
}
