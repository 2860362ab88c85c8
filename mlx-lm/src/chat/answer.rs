//! The parts of an answer, one by one and together.

use serde_json::{Map, Value, json};

use crate::chat_template::Message;

/// What [`AnswerParser`](super::AnswerParser) found in the next piece of text.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerEvent {
    /// More of the reasoning.
    Reasoning(String),
    /// More of what the user is to read.
    Content(String),
    /// More of a tool call that has begun. All deltas of a call come before its [`AnswerEvent::ToolCall`] (or
    /// [`AnswerEvent::Malformed`]), which says the same once more as a whole: use the ones or the other.
    ToolCallDelta(ToolCallDelta),
    /// A complete tool call.
    ToolCall(ToolCall),
    /// Text that is marked as a tool call but is none. Show it as content.
    Malformed {
        /// The text, markers included.
        text: String,
        /// What is wrong with it.
        error: String,
        /// The call whose deltas were given before, if any were.
        index: Option<usize>,
    },
}

/// A call of a tool.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCall {
    /// Its number in the answer, from 0.
    pub index: usize,
    /// The id that the model gave it; most models give none.
    pub id: Option<String>,
    /// The tool.
    pub name: String,
    /// The arguments by name, in the model's order.
    pub arguments: Map<String, Value>,
}

/// A piece of a tool call.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolCallDelta {
    /// The call's number in the answer, from 0.
    pub index: usize,
    /// The id that the model gave it; only in the first delta.
    pub id: Option<String>,
    /// The tool; only in the first delta.
    pub name: Option<String>,
    /// The next piece of the arguments: all pieces together are one JSON object.
    pub arguments: String,
}

/// A whole answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// What the model thought before it spoke.
    pub reasoning: String,
    /// What the user is to read, malformed tool calls included.
    pub content: String,
    /// The tool calls, in order.
    pub tool_calls: Vec<ToolCall>,
    /// What was wrong with each malformed tool call.
    pub errors: Vec<String>,
}

impl Answer {
    /// Adds the next part.
    pub fn add(&mut self, event: AnswerEvent) {
        match event {
            AnswerEvent::Reasoning(text) => self.reasoning += &text,
            AnswerEvent::Content(text) => self.content += &text,
            AnswerEvent::ToolCallDelta(_) => (),
            AnswerEvent::ToolCall(call) => self.tool_calls.push(call),
            AnswerEvent::Malformed { text, error, .. } => {
                self.content += &text;
                self.errors.push(error);
            }
        }
    }

    /// The answer as a message of the conversation: `content`, and `reasoning_content` and `tool_calls` if there
    /// are any.
    pub fn into_message(self) -> Message {
        let mut message = Message::assistant(self.content);
        if !self.reasoning.is_empty() {
            message = message.with("reasoning_content", self.reasoning);
        }
        if !self.tool_calls.is_empty() {
            let calls: Vec<Value> = self.tool_calls.into_iter().map(ToolCall::into_value).collect();
            message = message.with("tool_calls", calls);
        }
        message
    }
}

impl Extend<AnswerEvent> for Answer {
    fn extend<T: IntoIterator<Item = AnswerEvent>>(&mut self, events: T) {
        events.into_iter().for_each(|event| self.add(event));
    }
}

impl ToolCall {
    /// The call as an entry of a message's `tool_calls`, with its arguments as an object, as templates want it.
    pub fn into_value(self) -> Value {
        let mut call = json!({
            "type": "function",
            "function": { "name": self.name, "arguments": self.arguments },
        });
        if let (Some(id), Some(fields)) = (self.id, call.as_object_mut()) {
            fields.insert("id".into(), id.into());
        }
        call
    }

    /// The arguments as JSON text, as the OpenAI protocol wants them.
    pub fn arguments_json(&self) -> String {
        Value::Object(self.arguments.clone()).to_string()
    }
}
