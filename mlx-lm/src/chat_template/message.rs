//! One message of a conversation, as chat templates and the OpenAI protocol spell it.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

/// One message: a JSON object with a `role` and whatever else the template reads, most often `content` (a
/// string, or a list of parts) and `tool_calls`. Keys keep their order.
///
/// ```
/// # use mlx_lm::Message;
/// let chat = [Message::system("Be brief."), Message::user("Why is the sky blue?")];
/// # assert_eq!(chat[1].content(), Some("Why is the sky blue?"));
/// ```
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Value")]
pub struct Message(Map<String, Value>);

impl Message {
    /// A message of `role` with `content`, a string or a list of parts.
    pub fn new(role: impl Into<String>, content: impl Into<Value>) -> Message {
        let mut fields = Map::new();
        fields.insert("role".into(), Value::String(role.into()));
        fields.insert("content".into(), content.into());
        Message(fields)
    }

    /// Instructions that stand above the conversation.
    pub fn system(content: impl Into<String>) -> Message {
        Message::new("system", content.into())
    }

    /// What the user says.
    pub fn user(content: impl Into<String>) -> Message {
        Message::new("user", content.into())
    }

    /// What the model said.
    pub fn assistant(content: impl Into<String>) -> Message {
        Message::new("assistant", content.into())
    }

    /// The result of a tool call.
    pub fn tool(content: impl Into<String>) -> Message {
        Message::new("tool", content.into())
    }

    /// The same message with the field `key` set, such as `tool_calls` or `name`.
    #[must_use]
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Message {
        self.0.insert(key.into(), value.into());
        self
    }

    /// Who speaks.
    pub fn role(&self) -> &str {
        self.0.get("role").and_then(Value::as_str).unwrap_or_default()
    }

    /// The content, if it is a string.
    pub fn content(&self) -> Option<&str> {
        self.0.get("content").and_then(Value::as_str)
    }

    /// All fields, in order.
    pub fn fields(&self) -> &Map<String, Value> {
        &self.0
    }

    /// All fields, in order, to change.
    pub fn fields_mut(&mut self) -> &mut Map<String, Value> {
        &mut self.0
    }

    /// The fields a template sees: none that is null (templates test with `is defined`), and the reasoning of
    /// an earlier answer under each name that templates read.
    pub(super) fn for_template(&self) -> Map<String, Value> {
        let mut fields: Map<String, Value> = Map::new();
        let reasoning = ["reasoning_content", "thinking", "reasoning"]
            .iter()
            .find_map(|&name| self.0.get(name).filter(|value| !value.is_null()));
        if let Some(reasoning) = reasoning {
            fields.insert("thinking".into(), reasoning.clone());
        }
        let present = self.0.iter().filter(|(_, value)| !value.is_null());
        fields.extend(present.map(|(key, value)| (key.clone(), value.clone())));
        if let Some(reasoning) = reasoning {
            fields.insert("reasoning_content".into(), reasoning.clone());
        }
        fields
    }
}

impl TryFrom<Value> for Message {
    type Error = Error;

    /// An object with a string `role`; anything else is [`Error::Invalid`].
    fn try_from(value: Value) -> Result<Message> {
        match value {
            Value::Object(fields) if fields.get("role").is_some_and(Value::is_string) => Ok(Message(fields)),
            _ => Err(Error::Invalid("a message must be a JSON object with a string `role`".into())),
        }
    }
}

impl From<Message> for Value {
    fn from(message: Message) -> Value {
        Value::Object(message.0)
    }
}
