//! Ollama's API.

pub(super) mod chat;
pub(super) mod embed;
pub(super) mod generate;
pub(super) mod models;
mod options;
pub(super) mod pull;
mod reply;
