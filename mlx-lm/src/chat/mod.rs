//! The answers of chat models, taken apart: reasoning, content and tool calls.
//!
//! A model writes all of them into one stream of text, each family with its own markers. [`AnswerFormat`] knows a
//! family's markers, [`AnswerParser`] takes the stream apart as it arrives, [`Answer`] collects the parts. [`Session`] does
//! all of it for a conversation.
//!
//! ```
//! use mlx_lm::chat::{Answer, AnswerEvent, AnswerFormat, AnswerParser};
//! use serde_json::json;
//!
//! # let template = "<tool_call> tool_call.name <think> </think>";
//! let format = AnswerFormat::detect(Some(template), None, |_| false); // or `tokenizer.answer_format()`
//! let tools = [json!({"type": "function", "function": {"name": "weather"}})];
//! let mut parser = AnswerParser::new(format).tools(&tools).after_prompt("<|im_start|>assistant\n<think>\n");
//!
//! let mut answer = Answer::default();
//! for piece in ["Easy.\n</thi", "nk>\n\nLet me look.\n<tool_call>\n{\"name\": \"weat", "her\"}\n</tool_call>"] {
//!     for event in parser.push(piece) {
//!         if let AnswerEvent::Content(text) = &event {
//!             print!("{text}");
//!         }
//!         answer.add(event);
//!     }
//! }
//! parser.finish().into_iter().for_each(|event| answer.add(event));
//! assert_eq!((answer.reasoning.as_str(), answer.content.as_str()), ("Easy.", "Let me look."));
//! assert_eq!(answer.tool_calls[0].name, "weather");
//! ```

mod answer;
mod format;
mod headers;
mod json_scan;
mod markers;
mod parser;
mod session;
mod tools;
mod writer;

pub use answer::{Answer, AnswerEvent, ToolCall, ToolCallDelta};
pub use format::AnswerFormat;
pub(crate) use format::thinking_tokens;
pub use parser::AnswerParser;
pub use session::{Reply, Session};
pub(crate) use tools::{ANY, CallGrammar, text_until};
