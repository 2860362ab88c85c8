//! Messages, blocks and tools, from Anthropic's shape to the chat template's.

use crate::{
    Message,
    serve::{
        api::{
            fields::{self, MAX_MESSAGES, MAX_TOOLS, at_most},
            openai::messages::{check_choice, tool},
        },
        failure::Failure,
        protocol::ToolChoice,
    },
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

/// Claude Code begins its system prompt with a line that changes with every request; with it, no prefix of a prompt
/// would ever be found again.
const NONCE: &str = "x-anthropic-billing-header:";

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::MessageIn)]
pub(super) struct MessageIn {
    role: Role,
    content: Content,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = anthropic::Role)]
enum Role {
    User,
    Assistant,
    System,
}

/// Text, or blocks of `text`, `thinking`, `tool_use` and `tool_result`.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(untagged)]
#[schema(as = anthropic::Content)]
pub(super) enum Content {
    Text(String),
    Blocks(Vec<Block>),
}

/// A block; which fields it has depends on `type`. `cache_control` changes nothing: prefixes are always cached.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[schema(as = anthropic::Block)]
pub(super) struct Block {
    #[serde(rename = "type")]
    kind: String,
    text: Option<String>,
    thinking: Option<String>,
    id: Option<String>,
    name: Option<String>,
    input: Option<Value>,
    tool_use_id: Option<String>,
    content: Option<Value>,
    is_error: Option<bool>,
}

/// A tool that the model may call.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::ToolIn)]
pub(super) struct ToolIn {
    name: String,
    description: Option<String>,
    input_schema: Option<Value>,
    /// `custom`; the tools that Anthropic's servers run are refused.
    #[serde(rename = "type")]
    kind: Option<String>,
    #[allow(dead_code, reason = "prefixes are always cached")]
    cache_control: Option<Value>,
    #[allow(dead_code, reason = "arguments are not constrained; documented")]
    strict: Option<bool>,
    #[allow(dead_code, reason = "arguments are sent whole; documented")]
    eager_input_streaming: Option<bool>,
    #[allow(dead_code, reason = "the chat template has no place for them; documented")]
    input_examples: Option<Value>,
}

#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = anthropic::Choice)]
pub(super) struct Choice {
    /// `auto`, `any`, `tool` or `none`.
    #[serde(rename = "type")]
    kind: String,
    name: Option<String>,
    disable_parallel_tool_use: Option<bool>,
}

fn text_of(param: &str, content: Content) -> Result<String, Failure> {
    match content {
        Content::Text(text) => Ok(text),
        Content::Blocks(blocks) => {
            let text = |(i, block): (usize, Block)| match (block.kind.as_str(), block.text) {
                ("text", Some(text)) => Ok(text),
                (kind, _) => Err(refuse(&format!("{param}[{i}].type"), kind)),
            };
            let texts: Result<Vec<String>, Failure> = blocks.into_iter().enumerate().map(text).collect();
            Ok(texts?.join("\n"))
        }
    }
}

fn refuse(param: &str, kind: &str) -> Failure {
    Failure::unsupported(param, format!("`{param}` is `{kind}`, which this server does not read here"))
}

/// The system prompt, without lines that would spoil every cached prefix.
pub(super) fn system(content: Content) -> Result<Message, Failure> {
    let content = match content {
        Content::Blocks(mut blocks) => {
            blocks.retain(|block| !block.text.as_ref().is_some_and(|text| text.starts_with(NONCE)));
            Content::Blocks(blocks)
        }
        text => text,
    };
    Ok(Message::system(text_of("system", content)?))
}

pub(super) fn messages(system: Option<Content>, messages: Vec<MessageIn>) -> Result<Vec<Message>, Failure> {
    at_most("messages", messages.len(), MAX_MESSAGES)?;
    if messages.is_empty() {
        return Err(Failure::invalid("messages", "`messages` is empty"));
    }
    let mut all = vec![];
    all.extend(system.map(self::system).transpose()?.filter(|message| message.content() != Some("")));
    for (i, message) in messages.into_iter().enumerate() {
        convert(&format!("messages[{i}].content"), message, &mut all)?;
    }
    Ok(all)
}

/// One message can become several: results of tools are messages of their own.
fn convert(param: &str, message: MessageIn, all: &mut Vec<Message>) -> Result<(), Failure> {
    let blocks = match (message.role, message.content) {
        (Role::System, content) => {
            all.push(self::system(content)?);
            return Ok(());
        }
        (Role::User, Content::Text(text)) => {
            all.push(Message::user(text));
            return Ok(());
        }
        (Role::Assistant, Content::Text(text)) => {
            all.push(Message::assistant(text));
            return Ok(());
        }
        (_, Content::Blocks(blocks)) => blocks,
    };
    let (mut texts, mut thinking, mut calls) = (vec![], vec![], vec![]);
    for (i, block) in blocks.into_iter().enumerate() {
        let param = format!("{param}[{i}]");
        match (message.role, block.kind.as_str()) {
            (_, "text") => texts.push(block.text.unwrap_or_default()),
            (Role::Assistant, "thinking") => thinking.push(block.thinking.unwrap_or_default()),
            (Role::Assistant, "redacted_thinking") => {}
            (Role::Assistant, "tool_use") => calls.push(call(&param, block)?),
            (Role::User, "tool_result") => all.push(result(&param, block)?),
            (_, kind) => return Err(refuse(&format!("{param}.type"), kind)),
        }
    }
    if message.role == Role::User {
        if !texts.is_empty() {
            all.push(Message::user(texts.join("\n")));
        }
        return Ok(());
    }
    let mut answer = Message::assistant(texts.join("\n"));
    if !thinking.is_empty() {
        answer = answer.with("reasoning_content", thinking.join("\n"));
    }
    if !calls.is_empty() {
        answer = answer.with("tool_calls", calls);
    }
    all.push(answer);
    Ok(())
}

fn call(param: &str, block: Block) -> Result<Value, Failure> {
    let name =
        block.name.ok_or_else(|| Failure::invalid(&format!("{param}.name"), "a tool_use has a `name`"))?;
    let input = fields::arguments(&format!("{param}.input"), block.input.unwrap_or_else(|| json!({})))?;
    Ok(json!({ "id": block.id, "type": "function", "function": { "name": name, "arguments": input } }))
}

fn result(param: &str, block: Block) -> Result<Message, Failure> {
    let content = block.content.unwrap_or_else(|| "".into());
    let content: Content = serde_json::from_value(content)
        .map_err(|error| Failure::invalid(&format!("{param}.content"), error.to_string()))?;
    let mut text = text_of(&format!("{param}.content"), content)?;
    if block.is_error == Some(true) {
        text = format!("Error: {text}");
    }
    let mut fields = Map::new();
    fields.insert("role".into(), "tool".into());
    fields.insert("content".into(), text.into());
    if let Some(id) = block.tool_use_id {
        fields.insert("tool_call_id".into(), id.into());
    }
    fields::message(param, fields)
}

pub(super) fn tools(tools: Option<Vec<ToolIn>>) -> Result<Vec<Value>, Failure> {
    let tools = tools.unwrap_or_default();
    at_most("tools", tools.len(), MAX_TOOLS)?;
    let convert = |(i, one): (usize, ToolIn)| match one.kind.as_deref() {
        None | Some("custom") => Ok(tool(one.name, one.description, one.input_schema)),
        Some(kind) => Err(refuse(&format!("tools[{i}].type"), kind)),
    };
    tools.into_iter().enumerate().map(convert).collect()
}

/// The choice, and whether one call at most is wanted.
pub(super) fn choice(choice: Option<Choice>, tools: &[Value]) -> Result<(ToolChoice, bool), Failure> {
    let Some(choice) = choice else { return Ok((ToolChoice::Auto, false)) };
    let wanted = match (choice.kind.as_str(), choice.name) {
        ("auto", None) => ToolChoice::Auto,
        ("none", None) => ToolChoice::None,
        ("any", None) => ToolChoice::Required,
        ("tool", Some(name)) => ToolChoice::Named(name),
        _ => {
            return Err(Failure::invalid(
                "tool_choice",
                "`tool_choice` must be auto, any, none, or tool with a name",
            ));
        }
    };
    check_choice(&wanted, tools)?;
    Ok((wanted, choice.disable_parallel_tool_use.unwrap_or(false)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(system: Value, list: Value) -> Result<Vec<Message>, Failure> {
        messages(serde_json::from_value(system).unwrap(), serde_json::from_value(list).unwrap())
    }

    #[test]
    fn blocks_become_messages() {
        let system = json!([
            {"type": "text", "text": "x-anthropic-billing-header: cch=123;"},
            {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}},
        ]);
        let list = json!([
            {"role": "user", "content": "add"},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "hm", "signature": ""},
                {"type": "text", "text": "I call."},
                {"type": "tool_use", "id": "t1", "name": "add", "input": {"a": 1}},
            ]},
            {"role": "user", "content": [
                {"type": "tool_result", "tool_use_id": "t1", "content": [{"type": "text", "text": "3"}]},
                {"type": "text", "text": "and now?"},
            ]},
        ]);
        let all = read(system, list).unwrap();
        let roles: Vec<&str> = all.iter().map(Message::role).collect();
        assert_eq!(roles, ["system", "user", "assistant", "tool", "user"]);
        assert_eq!(all[0].content(), Some("Be brief."), "the changing line is gone");
        assert_eq!(all[2].fields()["reasoning_content"], "hm");
        assert_eq!(all[2].fields()["tool_calls"][0]["function"]["arguments"]["a"], 1);
        assert_eq!(all[3].fields()["tool_call_id"], "t1");
    }

    #[test]
    fn blocks_that_are_not_read_are_named() {
        let image = json!([{"role": "user", "content": [{"type": "image", "source": {"type": "url", "url": "http://x"}}]}]);
        let failure = read(Value::Null, image).unwrap_err();
        assert_eq!(failure.param.as_deref(), Some("messages[0].content[0].type"));
        let served = json!([{"type": "web_search_20250305", "name": "web_search"}]);
        assert!(tools(serde_json::from_value(served).unwrap()).is_err());
    }
}
