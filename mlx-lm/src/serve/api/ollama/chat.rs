//! `/api/chat`: the next message of a conversation.

use super::{
    generate::{answer, load},
    options::{Options, format, logprobs, think},
    reply::Kind,
};
use crate::{
    Message,
    serve::{
        App,
        api::{
            document,
            fields::{self, MAX_MESSAGES, MAX_TOOLS, at_most, inert, keep_alive},
            openai::messages::{Tool, tools},
        },
        failure::Failure,
        http::{Caller, Strict},
        protocol::{Conversation, Input, Job},
    },
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// A request for the next message of a conversation. Without messages it loads the model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::ChatRequest)]
pub(in crate::serve) struct ChatRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    #[serde(default)]
    messages: Vec<ChatMessage>,
    tools: Option<Vec<Tool>>,
    /// Send the answer piece by piece, on lines. Default: true.
    stream: Option<bool>,
    /// `json`, or a JSON schema.
    format: Option<Value>,
    options: Option<Options>,
    keep_alive: Option<Value>,
    /// True, false, or a level.
    think: Option<Value>,
    logprobs: Option<bool>,
    #[schema(minimum = 0, maximum = 20)]
    top_logprobs: Option<u8>,
    #[allow(dead_code, reason = "nothing is ever cut; documented")]
    truncate: Option<bool>,
    #[allow(dead_code, reason = "nothing is ever cut; documented")]
    shift: Option<bool>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::ChatMessage)]
struct ChatMessage {
    role: Role,
    #[serde(default)]
    content: Option<String>,
    thinking: Option<String>,
    tool_calls: Option<Vec<Call>>,
    tool_name: Option<String>,
    tool_call_id: Option<String>,
    images: Option<Value>,
}

#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = ollama::Role)]
enum Role {
    System,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::Call)]
struct Call {
    id: Option<String>,
    #[allow(dead_code, reason = "only functions can be called")]
    r#type: Option<String>,
    function: CallFunction,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::CallFunction)]
struct CallFunction {
    name: String,
    #[serde(default)]
    arguments: Value,
    #[allow(dead_code, reason = "the order says it")]
    index: Option<u32>,
}

fn convert((i, message): (usize, ChatMessage)) -> Result<Message, Failure> {
    let param = format!("messages[{i}]");
    inert(&format!("{param}.images"), &message.images, &[json!([])])?;
    let role = match message.role {
        Role::System => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let mut fields = Map::new();
    fields.insert("role".into(), role.into());
    fields.insert("content".into(), message.content.unwrap_or_default().into());
    let texts = [
        ("reasoning_content", message.thinking),
        ("name", message.tool_name),
        ("tool_call_id", message.tool_call_id),
    ];
    fields.extend(texts.into_iter().filter_map(|(key, text)| Some((key.to_owned(), text?.into()))));
    let calls = message.tool_calls.unwrap_or_default();
    at_most(&format!("{param}.tool_calls"), calls.len(), MAX_TOOLS)?;
    if !calls.is_empty() {
        let call = |(j, call): (usize, Call)| {
            let param = format!("{param}.tool_calls[{j}].function.arguments");
            let arguments = fields::arguments(&param, call.function.arguments)?;
            let function = json!({ "name": call.function.name, "arguments": arguments });
            Ok(json!({ "id": call.id, "type": "function", "function": function }))
        };
        let calls: Result<Vec<Value>, Failure> = calls.into_iter().enumerate().map(call).collect();
        fields.insert("tool_calls".into(), calls?.into());
    }
    fields::message(&param, fields)
}

/// Answer a conversation
#[utoipa::path(post, path = "/api/chat", tag = "Ollama", request_body = ChatRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn chat(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(request): Strict<ChatRequest>,
) -> Result<Response, Failure> {
    let keep = keep_alive(request.keep_alive)?;
    let mut job = request.options.unwrap_or_default().job()?;
    job.format = format(request.format)?;
    job.logprobs = logprobs(request.logprobs, request.top_logprobs)?;
    job.salt = caller.salt;
    let kwargs = think(request.think)?;
    at_most("messages", request.messages.len(), MAX_MESSAGES)?;
    let messages: Result<Vec<Message>, Failure> =
        request.messages.into_iter().enumerate().map(convert).collect();
    let messages = messages?;
    let tools = tools(request.tools)?;
    if messages.is_empty() {
        return load(&app, Kind::Chat, request.model, keep).await;
    }
    let conversation = Conversation { messages, tools, kwargs, ..Conversation::default() };
    let job = Job { input: Input::Chat(conversation), ..job };
    answer(&app, Kind::Chat, request.model, keep, job, request.stream).await
}
