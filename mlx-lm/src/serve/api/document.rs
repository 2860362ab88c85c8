//! The OpenAPI document of the server.

use super::{anthropic, ollama, openai, operations, shapes, text};
use crate::serve::http::json;
use axum::response::Response;
use serde_json::Value;
use utoipa::{IntoResponses, OpenApi, ToSchema};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "mlx-lm serve",
        description = "Local language models, by OpenAI's, Anthropic's and Ollama's APIs."
    ),
    paths(
        operations::health,
        operations::ready,
        operations::metrics,
        openapi,
        openai::models::list,
        openai::models::get,
        openai::chat::create,
        openai::completions::create,
        openai::responses::create,
        openai::embeddings::create,
        anthropic::messages::create,
        anthropic::messages::count_tokens,
        ollama::models::version,
        ollama::models::tags,
        ollama::models::ps,
        ollama::models::show,
        ollama::pull::pull,
        ollama::models::copy,
        ollama::models::remove,
        ollama::generate::generate,
        ollama::chat::chat,
        ollama::embed::embed,
        text::tokenize,
        text::detokenize,
        text::apply_template,
    )
)]
struct Document;

/// The document
#[utoipa::path(get, path = "/openapi.json", tag = "Operations", responses(Json, Failures))]
pub(super) async fn openapi() -> Response {
    json(&document())
}

fn document() -> Value {
    let mut document = serde_json::to_value(Document::openapi()).unwrap_or_default();
    shapes::describe(&mut document);
    document
}

/// A success.
#[derive(IntoResponses)]
#[response(status = 200, description = "A JSON document, or a stream where the request asks for one")]
#[allow(dead_code, reason = "describes")]
pub(super) struct Json(#[to_schema] Any);

/// Any JSON.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes")]
struct Any(Value);

/// The ways in which a request fails.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "describes")]
pub(super) enum Failures {
    /// The request is wrong, or asks for what is not served; the message names the field.
    #[response(status = 400)]
    Bad,
    /// A key is needed.
    #[response(status = 401)]
    Unauthorized,
    /// The host or the origin is not served, or the server manages no models.
    #[response(status = 403)]
    Forbidden,
    /// There is no such model.
    #[response(status = 404)]
    NotFound,
    /// The body took too long.
    #[response(status = 408)]
    Timeout,
    /// The body is too long.
    #[response(status = 413)]
    TooLarge,
    /// The body is not JSON.
    #[response(status = 415)]
    MediaType,
    /// The model, or the server, is at fault.
    #[response(status = 500)]
    Internal,
    /// Too many requests wait, memory is short, or the server shuts down; `Retry-After` says when to try again.
    #[response(status = 503)]
    Unavailable,
    /// The request took too long.
    #[response(status = 504)]
    Deadline,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::api::ROUTES;

    #[test]
    fn every_route_is_documented() {
        let document = Document::openapi();
        let documented: Vec<String> = document.paths.paths.keys().cloned().collect();
        for route in ROUTES.iter().filter(|route| route.path != "/") {
            let path = route.path.replace("{*model}", "{model}");
            assert!(documented.contains(&path), "{path} is not in the document");
        }
        assert_eq!(documented.len(), ROUTES.len() - 1);
    }

    #[test]
    fn every_answer_is_described() {
        let document = document();
        for (path, operations) in document["paths"].as_object().unwrap() {
            for operation in operations.as_object().unwrap().values() {
                let content =
                    |status: &str| operation["responses"][status]["content"]["application/json"].clone();
                assert!(content("400")["schema"]["required"].is_array(), "{path}");
                let bare = ["/metrics", "/api/copy", "/api/delete"].contains(&path.as_str());
                assert_ne!(content("200")["schema"]["required"].is_array(), bare, "{path}");
            }
        }
    }

    /// Types of the same name in two APIs must not take each other's place.
    #[test]
    fn schemas_are_told_apart() {
        let document = serde_json::to_value(Document::openapi()).unwrap();
        let has = |schema: &str, field: &str| {
            let properties = &document["components"]["schemas"][schema]["properties"];
            assert!(properties.is_object(), "{schema}");
            properties.get(field).is_some()
        };
        assert!(has("openai.ChatRequest", "response_format") && !has("openai.ChatRequest", "format"));
        assert!(has("ollama.ChatRequest", "format") && !has("ollama.ChatRequest", "response_format"));
        assert!(has("anthropic.ToolIn", "input_schema") && has("responses.ToolIn", "parameters"));
    }
}
