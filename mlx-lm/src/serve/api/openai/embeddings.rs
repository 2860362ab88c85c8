//! `/v1/embeddings`: vectors of texts.

use super::completions::Prompt;
use crate::serve::{
    App,
    api::{document, fields::keep_alive, vectors},
    failure::Failure,
    http::{Strict, json},
    protocol::Texts,
};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;
use utoipa::ToSchema;

/// A request for the vectors of texts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::EmbeddingsRequest)]
pub(in crate::serve) struct EmbeddingsRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// Texts, or texts as tokens.
    input: Prompt,
    /// Keep so many of each vector's numbers.
    #[schema(minimum = 1)]
    dimensions: Option<usize>,
    /// Default: `float`.
    encoding_format: Option<Encoding>,
    keep_alive: Option<Value>,
    #[allow(dead_code, reason = "a no-op, documented")]
    user: Option<Value>,
}

/// How vectors are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = openai::Encoding)]
enum Encoding {
    /// A list of numbers.
    #[default]
    Float,
    /// Base64 of numbers of four bytes, little end first.
    Base64,
}

/// Make vectors of texts
#[utoipa::path(post, path = "/v1/embeddings", tag = "OpenAI", request_body = EmbeddingsRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Strict(request): Strict<EmbeddingsRequest>,
) -> Result<Response, Failure> {
    let EmbeddingsRequest { model, input, dimensions, encoding_format, keep_alive: keep, .. } = request;
    let texts = Texts { inputs: input.inputs(), truncate: false, dimensions, context: None };
    let (vectors, _) = vectors::ask(&app, &model, keep_alive(keep)?, texts).await?;
    let written: Vec<Value> = match encoding_format.unwrap_or_default() {
        Encoding::Float => vectors.numbers()?.into_iter().map(Value::from).collect(),
        Encoding::Base64 => vectors.vectors.into_iter().map(Value::from).collect(),
    };
    let entry = |(index, vector)| json!({ "object": "embedding", "index": index, "embedding": vector });
    Ok(json(&json!({
        "object": "list",
        "data": written.into_iter().enumerate().map(entry).collect::<Vec<Value>>(),
        "model": model,
        "usage": { "prompt_tokens": vectors.tokens, "total_tokens": vectors.tokens },
    })))
}
