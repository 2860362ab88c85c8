//! The APIs: each translates to and from the internal form, and has its own words for failures.

mod anthropic;
mod document;
mod fields;
mod ollama;
mod openai;
mod operations;
mod shapes;
mod text;
mod vectors;

use super::{App, failure::Failure};
use axum::routing::{MethodRouter, delete, get, post};
use serde_json::{Value, json};
use std::sync::Arc;

/// One path and what answers there.
pub(super) struct Route {
    pub(super) path: &'static str,
    pub(super) handler: fn() -> MethodRouter<Arc<App>>,
}

const fn route(path: &'static str, handler: fn() -> MethodRouter<Arc<App>>) -> Route {
    Route { path, handler }
}

/// Every route of the server.
pub(super) const ROUTES: &[Route] = &[
    route("/", || get(operations::page)),
    route("/health", || get(operations::health)),
    route("/ready", || get(operations::ready)),
    route("/metrics", || get(operations::metrics)),
    route("/openapi.json", || get(document::openapi)),
    route("/v1/models", || get(openai::models::list)),
    route("/v1/models/{*model}", || get(openai::models::get)),
    route("/v1/chat/completions", || post(openai::chat::create)),
    route("/v1/completions", || post(openai::completions::create)),
    route("/v1/responses", || post(openai::responses::create)),
    route("/v1/embeddings", || post(openai::embeddings::create)),
    route("/v1/messages", || post(anthropic::messages::create)),
    route("/v1/messages/count_tokens", || post(anthropic::messages::count_tokens)),
    route("/api/version", || get(ollama::models::version)),
    route("/api/tags", || get(ollama::models::tags)),
    route("/api/ps", || get(ollama::models::ps)),
    route("/api/show", || post(ollama::models::show)),
    route("/api/pull", || post(ollama::pull::pull)),
    route("/api/copy", || post(ollama::models::copy)),
    route("/api/delete", || delete(ollama::models::remove)),
    route("/api/generate", || post(ollama::generate::generate)),
    route("/api/chat", || post(ollama::chat::chat)),
    route("/api/embed", || post(ollama::embed::embed)),
    route("/tokenize", || post(text::tokenize)),
    route("/detokenize", || post(text::detokenize)),
    route("/apply-template", || post(text::apply_template)),
];

/// Whose words a path's failures are told in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    OpenAi,
    Anthropic,
    Ollama,
}

impl Style {
    pub(super) fn of(path: &str) -> Style {
        match path {
            _ if path.starts_with("/v1/messages") => Style::Anthropic,
            _ if path.starts_with("/api/") => Style::Ollama,
            _ => Style::OpenAi,
        }
    }

    /// A failure as JSON.
    pub(super) fn failure(self, failure: &Failure) -> Value {
        let Failure { kind, message, param } = failure;
        let facts = kind.facts();
        match self {
            Style::OpenAi => json!({
                "error": { "message": message, "type": facts.openai, "param": param, "code": facts.code }
            }),
            Style::Anthropic => {
                json!({ "type": "error", "error": { "type": facts.anthropic, "message": message } })
            }
            Style::Ollama => json!({ "error": message }),
        }
    }
}
