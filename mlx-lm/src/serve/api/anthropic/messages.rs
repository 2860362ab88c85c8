//! `/v1/messages` and `/v1/messages/count_tokens`.

use super::{
    content::{Choice, Content, MessageIn, ToolIn, choice, messages, tools},
    reply::{MessageStream, whole},
};
use crate::serve::{
    App,
    api::{
        document,
        fields::{MAX_TOKENS, OneOrMany, inert, keep_alive, range, reasoning_effort, schema, stops},
    },
    failure::Failure,
    http::{Caller, Generation, Strict, collect, json, stream},
    protocol::{Answer, Conversation, Format, Input, Job, Question, SamplingChoice},
    random_u64,
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// A request for the next message of a conversation.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::MessagesRequest)]
pub(in crate::serve) struct MessagesRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    #[schema(min_items = 1)]
    messages: Vec<MessageIn>,
    system: Option<Content>,
    /// The most tokens to generate.
    #[schema(minimum = 1)]
    max_tokens: usize,
    stream: Option<bool>,
    #[schema(minimum = 0, maximum = 1)]
    temperature: Option<f32>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f32>,
    top_k: Option<u32>,
    stop_sequences: Option<Vec<String>>,
    tools: Option<Vec<ToolIn>>,
    tool_choice: Option<Choice>,
    thinking: Option<Thinking>,
    output_config: Option<OutputConfig>,
    /// How long the model stays loaded after this request: seconds, or a text such as `5m`.
    keep_alive: Option<Value>,
    container: Option<Value>,
    mcp_servers: Option<Value>,
    service_tier: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    metadata: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented: the client's conversation is taken as it is")]
    context_management: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented: prefixes are always cached")]
    cache_control: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::Thinking)]
struct Thinking {
    /// `enabled`, `adaptive` or `disabled`.
    #[serde(rename = "type")]
    kind: String,
    #[allow(dead_code, reason = "models here have no budget; documented")]
    budget_tokens: Option<usize>,
    #[allow(dead_code, reason = "thinking is always shown whole; documented")]
    display: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::OutputConfig)]
struct OutputConfig {
    effort: Option<String>,
    format: Option<OutputFormat>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::OutputFormat)]
struct OutputFormat {
    /// `json_schema`.
    #[serde(rename = "type")]
    kind: String,
    schema: Value,
}

fn thinking(thinking: Option<Thinking>, kwargs: &mut Map<String, Value>) -> Result<(), Failure> {
    let wanted = match thinking.as_ref().map(|thinking| thinking.kind.as_str()) {
        None => return Ok(()),
        Some("enabled" | "adaptive") => true,
        Some("disabled") => false,
        Some(_) => {
            let message = "`thinking.type` must be enabled, adaptive or disabled";
            return Err(Failure::invalid("thinking.type", message));
        }
    };
    kwargs.insert("enable_thinking".into(), json!(wanted));
    Ok(())
}

impl OutputFormat {
    fn format(self) -> Result<Format, Failure> {
        if self.kind != "json_schema" {
            return Err(Failure::invalid("output_config.format.type", "only json_schema is served"));
        }
        schema("output_config.format.schema", self.schema)
    }
}

impl MessagesRequest {
    fn job(&mut self, caller: Caller) -> Result<Job, Failure> {
        inert("container", &self.container, &[])?;
        inert("mcp_servers", &self.mcp_servers, &[json!([])])?;
        inert("service_tier", &self.service_tier, &[json!("auto"), json!("standard_only")])?;
        range("max_tokens", Some(self.max_tokens), 1..=MAX_TOKENS)?;
        let mut kwargs = Map::new();
        thinking(self.thinking.take(), &mut kwargs)?;
        let (mut format, mut effort) = (Format::Text, None);
        if let Some(config) = self.output_config.take() {
            effort = config.effort;
            format = config.format.map_or(Ok(Format::Text), OutputFormat::format)?;
        }
        reasoning_effort("output_config.effort", effort, &mut kwargs)?;
        let tools = tools(self.tools.take())?;
        let (choice, one_call) = choice(self.tool_choice.take(), &tools)?;
        let messages = messages(self.system.take(), std::mem::take(&mut self.messages))?;
        // A last message of the model's own is the beginning of its answer.
        let continue_last = messages.last().is_some_and(|last| last.role() == "assistant");
        let conversation = Conversation { messages, tools, choice, one_call, kwargs, continue_last };
        Ok(Job {
            input: Input::Chat(conversation),
            max_tokens: Some(self.max_tokens),
            sampling: SamplingChoice {
                temperature: range("temperature", self.temperature, 0.0..=1.0)?,
                top_p: range("top_p", self.top_p, 0.0..=1.0)?,
                top_k: self.top_k,
                seed: Some(random_u64()),
                ..SamplingChoice::default()
            },
            stop: stops("stop_sequences", self.stop_sequences.take().map(OneOrMany::Many))?,
            format,
            salt: caller.salt,
            ..Job::default()
        })
    }
}

/// Answer a conversation
#[utoipa::path(post, path = "/v1/messages", tag = "Anthropic", request_body = MessagesRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(mut request): Strict<MessagesRequest>,
) -> Result<Response, Failure> {
    let job = request.job(caller)?;
    let MessagesRequest { model, stream: streams, keep_alive: keep, .. } = request;
    let generation = Generation::start(&app, &model, keep_alive(keep)?, vec![job]).await?;
    if streams.unwrap_or(false) {
        let prompt_tokens = generation.prompt_tokens;
        return Ok(stream(generation, MessageStream::new(model, prompt_tokens)));
    }
    let answers = collect(generation).await?;
    let answer = answers.into_iter().next().unwrap_or_default();
    Ok(json(&whole(&model, answer)))
}

/// A conversation to count.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::CountRequest)]
pub(in crate::serve) struct CountRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    #[schema(min_items = 1)]
    messages: Vec<MessageIn>,
    system: Option<Content>,
    tools: Option<Vec<ToolIn>>,
    tool_choice: Option<Choice>,
    thinking: Option<Thinking>,
    keep_alive: Option<Value>,
    #[allow(dead_code, reason = "changes no count")]
    output_config: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    context_management: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    cache_control: Option<Value>,
}

/// Count the tokens of a conversation
#[utoipa::path(post, path = "/v1/messages/count_tokens", tag = "Anthropic", request_body = CountRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn count_tokens(
    State(app): State<Arc<App>>,
    Strict(request): Strict<CountRequest>,
) -> Result<Response, Failure> {
    let mut kwargs = Map::new();
    thinking(request.thinking, &mut kwargs)?;
    let tools = tools(request.tools)?;
    let (choice, _) = choice(request.tool_choice, &tools)?;
    let messages = messages(request.system, request.messages)?;
    let continue_last = messages.last().is_some_and(|last| last.role() == "assistant");
    let conversation = Conversation { messages, tools, choice, kwargs, continue_last, one_call: false };
    let lease = app.fleet.lease(&request.model, keep_alive(request.keep_alive)?).await?;
    match lease.ask(Question::Count(Input::Chat(conversation))).await? {
        Answer::Count(count) => Ok(json(&json!({ "input_tokens": count }))),
        _ => Err(Failure::internal("another answer came")),
    }
}
