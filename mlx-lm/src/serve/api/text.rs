//! Text and tokens: the same tokenizer and chat template that requests go through.

use super::{
    document,
    fields::{keep_alive, kwargs},
    openai::messages::{ChatMessage, Tool, messages, tools},
};
use crate::serve::{
    App,
    failure::Failure,
    http::{Strict, json},
    protocol::{Answer, Conversation, Question},
};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct TokenizeRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    content: String,
    /// Add the tokens that open and close a text. Default: false.
    #[serde(default)]
    add_special: bool,
    keep_alive: Option<Value>,
}

/// The token ids of a text
#[utoipa::path(post, path = "/tokenize", tag = "Text", request_body = TokenizeRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn tokenize(
    State(app): State<Arc<App>>,
    Strict(request): Strict<TokenizeRequest>,
) -> Result<Response, Failure> {
    let lease = app.fleet.lease(&request.model, keep_alive(request.keep_alive)?).await?;
    let question = Question::Tokenize { text: request.content, special: request.add_special };
    match lease.ask(question).await? {
        Answer::Tokens(tokens) => Ok(json(&json!({ "count": tokens.len(), "tokens": tokens }))),
        _ => Err(Failure::internal("another answer came")),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct DetokenizeRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    tokens: Vec<u32>,
    /// Leave special tokens out. Default: false.
    #[serde(default)]
    skip_special: bool,
    keep_alive: Option<Value>,
}

/// The text of token ids
#[utoipa::path(post, path = "/detokenize", tag = "Text", request_body = DetokenizeRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn detokenize(
    State(app): State<Arc<App>>,
    Strict(request): Strict<DetokenizeRequest>,
) -> Result<Response, Failure> {
    let lease = app.fleet.lease(&request.model, keep_alive(request.keep_alive)?).await?;
    let question = Question::Detokenize { tokens: request.tokens, skip_special: request.skip_special };
    match lease.ask(question).await? {
        Answer::Text(text) => Ok(json(&json!({ "content": text }))),
        _ => Err(Failure::internal("another answer came")),
    }
}

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::serve) struct TemplateRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    #[schema(min_items = 1)]
    messages: Vec<ChatMessage>,
    tools: Option<Vec<Tool>>,
    chat_template_kwargs: Option<Map<String, Value>>,
    keep_alive: Option<Value>,
}

/// A conversation as the model reads it
#[utoipa::path(post, path = "/apply-template", tag = "Text", request_body = TemplateRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn apply_template(
    State(app): State<Arc<App>>,
    Strict(request): Strict<TemplateRequest>,
) -> Result<Response, Failure> {
    let conversation = Conversation {
        messages: messages(request.messages)?,
        tools: tools(request.tools)?,
        kwargs: kwargs("chat_template_kwargs", request.chat_template_kwargs)?,
        ..Conversation::default()
    };
    let lease = app.fleet.lease(&request.model, keep_alive(request.keep_alive)?).await?;
    match lease.ask(Question::Render(conversation)).await? {
        Answer::Text(prompt) => Ok(json(&json!({ "prompt": prompt }))),
        _ => Err(Failure::internal("another answer came")),
    }
}
