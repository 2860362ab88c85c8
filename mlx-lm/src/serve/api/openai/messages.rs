//! Messages and tools, from OpenAI's shape to the chat template's.

use crate::{
    Message,
    serve::{
        api::fields::{self, MAX_MESSAGES, MAX_TOOLS, at_most, inert},
        failure::Failure,
        protocol::ToolChoice,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// A message of the conversation.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ChatMessage)]
pub(in crate::serve) struct ChatMessage {
    /// `developer` is taken as `system`.
    role: Role,
    /// Text, or a list of text parts; images and audio are refused.
    content: Option<Content>,
    name: Option<String>,
    tool_calls: Option<Vec<CallIn>>,
    tool_call_id: Option<String>,
    /// What the model thought in an earlier turn.
    reasoning: Option<String>,
    /// Another name of `reasoning`.
    reasoning_content: Option<String>,
    refusal: Option<Value>,
    audio: Option<Value>,
    function_call: Option<Value>,
    #[allow(dead_code, reason = "clients send back what they got; it means nothing here")]
    annotations: Option<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = openai::Role)]
enum Role {
    System,
    Developer,
    User,
    Assistant,
    Tool,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = openai::Content)]
pub(super) enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = openai::Part)]
pub(super) struct Part {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::CallIn)]
struct CallIn {
    id: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    function: CallFunction,
    #[allow(dead_code, reason = "clients send back the index of streamed calls; the order says it")]
    index: Option<u32>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::CallFunction)]
struct CallFunction {
    name: String,
    arguments: Value,
}

/// The text of `content`; parts are put together.
pub(super) fn text_of(param: &str, content: Content) -> Result<String, Failure> {
    match content {
        Content::Text(text) => Ok(text),
        Content::Parts(parts) => {
            let part = |(i, part): (usize, Part)| match (part.kind.as_str(), part.text) {
                ("text" | "input_text" | "output_text", Some(text)) => Ok(text),
                (kind, _) => {
                    let param = format!("{param}[{i}].type");
                    let message = format!("`{param}` is `{kind}`; this server reads parts of text only");
                    Err(Failure::unsupported(&param, message))
                }
            };
            parts.into_iter().enumerate().map(part).collect()
        }
    }
}

/// The messages as chat templates read them.
pub(in crate::serve) fn messages(messages: Vec<ChatMessage>) -> Result<Vec<Message>, Failure> {
    at_most("messages", messages.len(), MAX_MESSAGES)?;
    if messages.is_empty() {
        return Err(Failure::invalid("messages", "`messages` is empty"));
    }
    messages.into_iter().enumerate().map(|(i, message)| convert(&format!("messages[{i}]"), message)).collect()
}

fn convert(param: &str, message: ChatMessage) -> Result<Message, Failure> {
    inert(&format!("{param}.refusal"), &message.refusal, &[])?;
    inert(&format!("{param}.audio"), &message.audio, &[])?;
    inert(&format!("{param}.function_call"), &message.function_call, &[])?;
    let role = match message.role {
        Role::System | Role::Developer => "system",
        Role::User => "user",
        Role::Assistant => "assistant",
        Role::Tool => "tool",
    };
    let content = message.content.map(|content| text_of(&format!("{param}.content"), content)).transpose()?;
    if content.is_none() && message.role != Role::Assistant {
        return Err(Failure::invalid(&format!("{param}.content"), format!("`{param}.content` is missing")));
    }
    let mut fields = Map::new();
    fields.insert("role".into(), role.into());
    fields.insert("content".into(), content.unwrap_or_default().into());
    let texts = [
        ("name", message.name),
        ("tool_call_id", message.tool_call_id),
        ("reasoning_content", message.reasoning_content.or(message.reasoning)),
    ];
    for (key, text) in texts {
        if let Some(text) = text {
            fields.insert(key.into(), text.into());
        }
    }
    let calls = message.tool_calls.unwrap_or_default();
    if !calls.is_empty() {
        at_most(&format!("{param}.tool_calls"), calls.len(), MAX_TOOLS)?;
        let calls: Result<Vec<Value>, Failure> = calls
            .into_iter()
            .enumerate()
            .map(|(i, call)| self::call(&format!("{param}.tool_calls[{i}]"), call))
            .collect();
        fields.insert("tool_calls".into(), calls?.into());
    }
    fields::message(param, fields)
}

/// Templates want the arguments of calls as objects.
fn call(param: &str, call: CallIn) -> Result<Value, Failure> {
    if call.kind.as_deref().is_some_and(|kind| kind != "function") {
        return Err(Failure::unsupported(&format!("{param}.type"), "only functions can be called"));
    }
    let arguments = fields::arguments(&format!("{param}.function.arguments"), call.function.arguments)?;
    Ok(json!({
        "id": call.id,
        "type": "function",
        "function": { "name": call.function.name, "arguments": arguments },
    }))
}

/// A tool that the model may call.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::Tool)]
pub(in crate::serve) struct Tool {
    #[serde(rename = "type")]
    kind: String,
    function: ToolFunction,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::ToolFunction)]
struct ToolFunction {
    name: String,
    description: Option<String>,
    /// A JSON schema.
    parameters: Option<Value>,
    #[allow(dead_code, reason = "arguments are not constrained; documented")]
    strict: Option<bool>,
}

/// A tool in the form that templates read.
pub(in crate::serve) fn tool(name: String, description: Option<String>, parameters: Option<Value>) -> Value {
    let mut function = Map::new();
    function.insert("name".into(), name.into());
    if let Some(description) = description {
        function.insert("description".into(), description.into());
    }
    let nothing = || json!({ "type": "object", "properties": {} });
    function.insert("parameters".into(), parameters.unwrap_or_else(nothing));
    json!({ "type": "function", "function": function })
}

pub(in crate::serve) fn tools(tools: Option<Vec<Tool>>) -> Result<Vec<Value>, Failure> {
    let tools = tools.unwrap_or_default();
    at_most("tools", tools.len(), MAX_TOOLS)?;
    let convert = |(i, one): (usize, Tool)| {
        if one.kind != "function" {
            let param = format!("tools[{i}].type");
            return Err(Failure::unsupported(
                &param,
                format!("`{param}` is `{}`; only functions are served", one.kind),
            ));
        }
        let ToolFunction { name, description, parameters, .. } = one.function;
        if name.is_empty() || name.len() > 128 {
            return Err(Failure::invalid(&format!("tools[{i}].function.name"), "a name has 1 to 128 bytes"));
        }
        Ok(tool(name, description, parameters))
    };
    tools.into_iter().enumerate().map(convert).collect()
}

/// `none`, `auto`, `required` or `{"type": "function", "function": {"name": ...}}` (in responses, the name alone).
pub(super) fn tool_choice(choice: Option<Value>, tools: &[Value]) -> Result<ToolChoice, Failure> {
    let choice = match &choice {
        None | Some(Value::Null) => ToolChoice::Auto,
        Some(Value::String(text)) => match text.as_str() {
            "auto" => ToolChoice::Auto,
            "none" => ToolChoice::None,
            "required" => ToolChoice::Required,
            _ => return Err(Failure::invalid("tool_choice", "`tool_choice` must be none, auto or required")),
        },
        Some(value) => {
            let name = value["function"]["name"].as_str().or_else(|| value["name"].as_str());
            match (value["type"].as_str(), name) {
                (Some("function"), Some(name)) => ToolChoice::Named(name.to_owned()),
                _ => {
                    return Err(Failure::unsupported(
                        "tool_choice",
                        "this form of `tool_choice` is not served",
                    ));
                }
            }
        }
    };
    check_choice(&choice, tools)?;
    Ok(choice)
}

/// Refuses a choice that names no tool there is.
pub(in crate::serve) fn check_choice(choice: &ToolChoice, tools: &[Value]) -> Result<(), Failure> {
    match choice {
        ToolChoice::Required if tools.is_empty() => {
            Err(Failure::invalid("tool_choice", "`tool_choice` requires a call, but there are no `tools`"))
        }
        ToolChoice::Named(name) if !tools.iter().any(|tool| tool["function"]["name"] == name.as_str()) => {
            Err(Failure::invalid(
                "tool_choice",
                format!("`tool_choice` names `{name}`, which is none of `tools`"),
            ))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::failure::Kind;

    fn read(value: Value) -> Result<Vec<Message>, Failure> {
        messages(serde_json::from_value(value).unwrap())
    }

    #[test]
    fn messages_take_the_form_of_templates() {
        let messages = read(json!([
            {"role": "developer", "content": "Be brief."},
            {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
            {"role": "assistant", "content": null, "reasoning": "hm", "tool_calls": [
                {"id": "1", "type": "function", "function": {"name": "f", "arguments": "{\"x\": 1}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "2"},
        ]))
        .unwrap();
        assert_eq!(messages[0].role(), "system");
        assert_eq!(messages[1].content(), Some("ab"));
        assert_eq!(messages[2].fields()["tool_calls"][0]["function"]["arguments"], json!({"x": 1}));
        assert_eq!(messages[2].fields()["reasoning_content"], "hm");
        assert_eq!(messages[3].fields()["tool_call_id"], "1");
    }

    #[test]
    fn what_is_not_served_is_named() {
        for (messages, param) in [
            (json!([]), "messages"),
            (
                json!([{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "http://169.254.169.254/"}}]}]),
                "messages[0].content[0].type",
            ),
            (json!([{"role": "user", "content": null}]), "messages[0].content"),
            (
                json!([{"role": "assistant", "content": "", "tool_calls": [
                    {"id": "1", "function": {"name": "f", "arguments": "[1]"}}]}]),
                "messages[0].tool_calls[0].function.arguments",
            ),
        ] {
            assert_eq!(read(messages).unwrap_err().param.as_deref(), Some(param));
        }
    }

    #[test]
    fn choices_name_tools_that_exist() {
        let tools = [tool("f".into(), None, None)];
        let read = |choice: Value| tool_choice(Some(choice), &tools);
        let named = json!({"type": "function", "function": {"name": "f"}});
        assert_eq!(read(named).unwrap(), ToolChoice::Named("f".into()));
        assert_eq!(read(json!("none")).unwrap(), ToolChoice::None);
        assert!(read(json!({"type": "function", "function": {"name": "g"}})).is_err());
        assert_eq!(read(json!({"type": "allowed_tools"})).unwrap_err().kind, Kind::Unsupported);
        assert!(tool_choice(Some(json!("required")), &[]).is_err());
    }
}
