//! Anthropic's API.

mod content;
pub(super) mod messages;
mod reply;
