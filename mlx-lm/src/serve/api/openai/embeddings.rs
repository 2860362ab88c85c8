//! `/v1/embeddings`: refused, by name, until models here make them.

use super::super::document;
use crate::serve::{App, failure::Failure, http::Strict};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = openai::EmbeddingsRequest)]
#[allow(dead_code, reason = "checked and refused")]
pub(in crate::serve) struct EmbeddingsRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    input: Value,
    dimensions: Option<usize>,
    encoding_format: Option<String>,
    user: Option<Value>,
}

/// Refused: the models served here generate text
#[utoipa::path(post, path = "/v1/embeddings", tag = "OpenAI", request_body = EmbeddingsRequest,
    responses(document::Failures))]
pub(in crate::serve) async fn create(
    State(app): State<Arc<App>>,
    Strict(request): Strict<EmbeddingsRequest>,
) -> Result<Response, Failure> {
    refuse(&app, &request.model)
}

pub(in crate::serve) fn refuse(app: &App, model: &str) -> Result<Response, Failure> {
    let name = app.fleet.local.name(model)?;
    app.fleet.local.find(&name).ok_or_else(|| Failure::model_not_found(&name))?;
    Err(Failure::unsupported("model", format!("`{name}` generates text; it makes no embeddings")))
}
