//! `/v1/responses`, without state: every request brings its whole conversation.

use super::{
    chat::MAX_TOP_LOGPROBS,
    messages::{Content, text_of, tool, tool_choice},
    responses_reply::{Responder, ResponseStream},
};
use crate::{
    Message,
    serve::{
        App,
        api::{
            document,
            fields::{
                self, MAX_MESSAGES, MAX_TOKENS, MAX_TOOLS, at_most, inert, keep_alive, range,
                reasoning_effort, schema,
            },
        },
        failure::Failure,
        http::{Caller, Generation, Strict, collect, json, stream},
        protocol::{Conversation, Format, Input, Job, SamplingChoice},
        random_u64,
    },
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// A request for a response. Nothing is stored: `previous_response_id`, `conversation` and `background` are refused.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = responses::ResponsesRequest)]
pub(in crate::serve) struct ResponsesRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// Text, or items: messages, `function_call`, `function_call_output` and `reasoning`.
    input: InputIn,
    instructions: Option<String>,
    stream: Option<bool>,
    #[schema(minimum = 1)]
    max_output_tokens: Option<usize>,
    #[schema(minimum = 0, maximum = 2)]
    temperature: Option<f32>,
    #[schema(minimum = 0, maximum = 1)]
    top_p: Option<f32>,
    #[schema(minimum = 0, maximum = 20)]
    top_logprobs: Option<u8>,
    tools: Option<Vec<ToolIn>>,
    tool_choice: Option<Value>,
    parallel_tool_calls: Option<bool>,
    reasoning: Option<Reasoning>,
    text: Option<TextOptions>,
    /// Sent back as it is.
    metadata: Option<Map<String, Value>>,
    keep_alive: Option<Value>,
    background: Option<Value>,
    conversation: Option<Value>,
    max_tool_calls: Option<Value>,
    previous_response_id: Option<Value>,
    prompt: Option<Value>,
    service_tier: Option<Value>,
    store: Option<Value>,
    truncation: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    include: Option<Vec<String>>,
    #[allow(dead_code, reason = "a no-op, documented")]
    client_metadata: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    prompt_cache_key: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    prompt_cache_retention: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    safety_identifier: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    stream_options: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    user: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = responses::InputIn)]
enum InputIn {
    Text(String),
    Items(Vec<Item>),
}

/// An item of the conversation; which fields it has depends on `type`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = responses::Item)]
struct Item {
    /// Default: `message`.
    #[serde(rename = "type")]
    kind: Option<String>,
    role: Option<String>,
    content: Option<Value>,
    call_id: Option<String>,
    name: Option<String>,
    arguments: Option<Value>,
    output: Option<Value>,
    summary: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = responses::ToolIn)]
struct ToolIn {
    /// `function`; the tools that OpenAI's servers run are refused.
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    description: Option<String>,
    parameters: Option<Value>,
    #[allow(dead_code, reason = "arguments are not constrained; documented")]
    strict: Option<bool>,
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = responses::Reasoning)]
struct Reasoning {
    effort: Option<String>,
    #[allow(dead_code, reason = "reasoning is always shown whole; documented")]
    summary: Option<Value>,
    #[allow(dead_code, reason = "reasoning is always shown whole; documented")]
    generate_summary: Option<Value>,
}

#[derive(Clone, Debug, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = responses::TextOptions)]
struct TextOptions {
    format: Option<TextFormat>,
    #[allow(dead_code, reason = "a no-op, documented")]
    verbosity: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = responses::TextFormat)]
struct TextFormat {
    /// `text`, `json_object` or `json_schema`.
    #[serde(rename = "type")]
    kind: String,
    #[allow(dead_code, reason = "for people")]
    name: Option<String>,
    #[allow(dead_code, reason = "for people")]
    description: Option<String>,
    schema: Option<Value>,
    #[allow(dead_code, reason = "schemas are always followed strictly")]
    strict: Option<bool>,
}

impl TextFormat {
    fn format(self) -> Result<Format, Failure> {
        match (self.kind.as_str(), self.schema) {
            ("text", None) => Ok(Format::Text),
            ("json_object", None) => Ok(Format::Json),
            ("json_schema", Some(value)) => schema("text.format.schema", value),
            _ => Err(Failure::invalid(
                "text.format",
                "`text.format` must be text, json_object, or json_schema with a schema",
            )),
        }
    }
}

fn content(param: &str, content: Option<Value>) -> Result<String, Failure> {
    let content = content.unwrap_or_else(|| "".into());
    let content: Content =
        serde_json::from_value(content).map_err(|error| Failure::invalid(param, error.to_string()))?;
    text_of(param, content)
}

fn convert(items: Vec<Item>) -> Result<Vec<Message>, Failure> {
    at_most("input", items.len(), MAX_MESSAGES)?;
    let mut messages: Vec<Message> = vec![];
    for (i, item) in items.into_iter().enumerate() {
        let param = format!("input[{i}]");
        match item.kind.as_deref().unwrap_or("message") {
            "message" => {
                let text = content(&format!("{param}.content"), item.content)?;
                match item.role.as_deref() {
                    Some("system" | "developer") => messages.push(Message::system(text)),
                    Some("user") => messages.push(Message::user(text)),
                    Some("assistant") => add_answer(&mut messages, |fields| {
                        fields.insert("content".into(), text.into());
                    }),
                    _ => {
                        return Err(Failure::invalid(
                            &format!("{param}.role"),
                            "a message's `role` is missing or unknown",
                        ));
                    }
                }
            }
            "function_call" => {
                let missing = || Failure::invalid(&format!("{param}.name"), "a function_call has a `name`");
                let name = item.name.ok_or_else(missing)?;
                let arguments =
                    fields::arguments(&format!("{param}.arguments"), item.arguments.unwrap_or(Value::Null))?;
                let call = json!({
                    "id": item.call_id, "type": "function", "function": { "name": name, "arguments": arguments },
                });
                add_answer(&mut messages, |fields| {
                    let calls = fields.entry("tool_calls").or_insert_with(|| json!([]));
                    calls.as_array_mut().into_iter().for_each(|calls| calls.push(call.clone()));
                });
            }
            "function_call_output" => {
                let output = content(&format!("{param}.output"), item.output)?;
                let message = Message::tool(output);
                messages.push(match item.call_id {
                    Some(id) => message.with("tool_call_id", id),
                    None => message,
                });
            }
            "reasoning" => {
                let parts = item.content.filter(|value| !value.is_null()).or(item.summary);
                let texts = parts.as_ref().and_then(Value::as_array).into_iter().flatten();
                let text: String = texts.filter_map(|part| part["text"].as_str()).collect();
                if !text.is_empty() {
                    messages.push(Message::assistant("").with("reasoning_content", text));
                }
            }
            kind => {
                let param = format!("{param}.type");
                return Err(Failure::unsupported(
                    &param,
                    format!("`{param}` is `{kind}`, which this server does not read"),
                ));
            }
        }
    }
    if messages.is_empty() {
        return Err(Failure::invalid("input", "`input` is empty"));
    }
    Ok(messages)
}

/// What the model thought, said and called in one turn comes as several items, and is one message.
fn add_answer(messages: &mut Vec<Message>, add: impl FnOnce(&mut Map<String, Value>)) {
    let open = messages.last().is_some_and(|last| last.role() == "assistant" && last.content() == Some(""));
    let calls = messages
        .last()
        .is_some_and(|last| last.role() == "assistant" && last.fields().contains_key("tool_calls"));
    if !open && !calls {
        messages.push(Message::assistant(""));
    }
    if let Some(last) = messages.last_mut() {
        add(last.fields_mut());
    }
}

impl ResponsesRequest {
    fn check_inert(&self) -> Result<(), Failure> {
        inert("background", &self.background, &[json!(false)])?;
        inert("conversation", &self.conversation, &[])?;
        inert("max_tool_calls", &self.max_tool_calls, &[])?;
        inert("previous_response_id", &self.previous_response_id, &[])?;
        inert("prompt", &self.prompt, &[])?;
        inert("service_tier", &self.service_tier, &[json!("auto"), json!("default")])?;
        inert("store", &self.store, &[json!(false)])?;
        inert("truncation", &self.truncation, &[json!("disabled")])
    }

    fn job(&mut self, caller: Caller) -> Result<Job, Failure> {
        self.check_inert()?;
        let mut messages = match std::mem::replace(&mut self.input, InputIn::Items(vec![])) {
            InputIn::Text(text) => vec![Message::user(text)],
            InputIn::Items(items) => convert(items)?,
        };
        if let Some(instructions) = self.instructions.take() {
            messages.insert(0, Message::system(instructions));
        }
        let tools = self.tools.take().unwrap_or_default();
        at_most("tools", tools.len(), MAX_TOOLS)?;
        let convert = |(i, one): (usize, ToolIn)| match (one.kind.as_str(), one.name) {
            ("function", Some(name)) => Ok(tool(name, one.description, one.parameters)),
            ("function", None) => {
                Err(Failure::invalid(&format!("tools[{i}].name"), "a function has a `name`"))
            }
            (kind, _) => {
                let param = format!("tools[{i}].type");
                Err(Failure::unsupported(&param, format!("`{param}` is `{kind}`; only functions are served")))
            }
        };
        let tools: Vec<Value> = tools.into_iter().enumerate().map(convert).collect::<Result<_, Failure>>()?;
        let choice = tool_choice(self.tool_choice.take(), &tools)?;
        let mut kwargs = Map::new();
        let effort = self.reasoning.take().unwrap_or_default().effort;
        reasoning_effort("reasoning.effort", effort, &mut kwargs)?;
        let format = self.text.take().unwrap_or_default().format;
        let one_call = self.parallel_tool_calls == Some(false);
        let conversation = Conversation { messages, tools, choice, one_call, kwargs, continue_last: false };
        Ok(Job {
            input: Input::Chat(conversation),
            max_tokens: range("max_output_tokens", self.max_output_tokens, 1..=MAX_TOKENS)?,
            sampling: SamplingChoice {
                temperature: range("temperature", self.temperature, 0.0..=2.0)?,
                top_p: range("top_p", self.top_p, 0.0..=1.0)?,
                seed: Some(random_u64()),
                ..SamplingChoice::default()
            },
            logprobs: range("top_logprobs", self.top_logprobs, 0..=MAX_TOP_LOGPROBS)?.filter(|top| *top > 0),
            format: format.map_or(Ok(Format::Text), TextFormat::format)?,
            salt: caller.salt,
            ..Job::default()
        })
    }
}

/// Respond to a conversation
#[utoipa::path(post, path = "/v1/responses", tag = "OpenAI", request_body = ResponsesRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(mut request): Strict<ResponsesRequest>,
) -> Result<Response, Failure> {
    let instructions = request.instructions.clone();
    let job = request.job(caller)?;
    let ResponsesRequest { model, stream: streams, keep_alive: keep, .. } = request;
    let responder = Responder::new(&model, &job, instructions, request.metadata);
    let generation = Generation::start(&app, &model, keep_alive(keep)?, vec![job]).await?;
    if streams.unwrap_or(false) {
        return Ok(stream(generation, ResponseStream::new(responder)));
    }
    let answers = collect(generation).await?;
    Ok(json(&responder.whole(answers.into_iter().next().unwrap_or_default())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_become_messages() {
        let items = json!([
            {"role": "user", "content": [{"type": "input_text", "text": "add"}]},
            {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
            {"type": "function_call", "call_id": "1", "name": "add", "arguments": "{\"a\": 1}"},
            {"type": "function_call", "call_id": "2", "name": "add", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "1", "output": "3"},
            {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "3."}]},
        ]);
        let messages = convert(serde_json::from_value(items).unwrap()).unwrap();
        let roles: Vec<&str> = messages.iter().map(Message::role).collect();
        assert_eq!(roles, ["user", "assistant", "tool", "assistant"]);
        assert_eq!(messages[1].fields()["tool_calls"].as_array().unwrap().len(), 2);
        assert_eq!(messages[1].fields()["reasoning_content"], "hm");
        assert_eq!(messages[3].content(), Some("3."));
    }

    #[test]
    fn state_is_refused() {
        for (field, value) in [
            ("previous_response_id", json!("resp_1")),
            ("store", json!(true)),
            ("background", json!(true)),
            ("truncation", json!("auto")),
            ("tools", json!([{"type": "web_search"}])),
        ] {
            let mut request = json!({"model": "m", "input": "hi"});
            request[field] = value;
            let mut request: ResponsesRequest = serde_json::from_value(request).unwrap();
            assert!(request.job(Caller::default()).is_err(), "{field}");
        }
    }
}
