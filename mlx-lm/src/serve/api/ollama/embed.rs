//! `/api/embed`: vectors of texts.

use super::options::Options;
use crate::serve::{
    App,
    api::{
        document,
        fields::{OneOrMany, keep_alive},
        vectors,
    },
    failure::Failure,
    http::{Strict, json},
    protocol::{Input, Texts},
};
use axum::{extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{sync::Arc, time::Instant};
use utoipa::ToSchema;

/// A request for the vectors of texts.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::EmbedRequest)]
pub(in crate::serve) struct EmbedRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    /// One text, or several.
    input: OneOrMany,
    /// Cut texts that are longer than the context, instead of refusing them. Default: true.
    truncate: Option<bool>,
    /// Keep so many of each vector's numbers.
    #[schema(minimum = 1)]
    dimensions: Option<usize>,
    /// Only `num_ctx` changes vectors.
    options: Option<Options>,
    keep_alive: Option<Value>,
}

/// Make vectors of texts
#[utoipa::path(post, path = "/api/embed", tag = "Ollama", request_body = EmbedRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn embed(
    State(app): State<Arc<App>>,
    Strict(request): Strict<EmbedRequest>,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let EmbedRequest { model, input, truncate, dimensions, options, keep_alive: keep } = request;
    let texts = Texts {
        inputs: Vec::from(input).into_iter().map(Input::Text).collect(),
        truncate: truncate.unwrap_or(true),
        dimensions,
        context: options.unwrap_or_default().job()?.context,
    };
    let (vectors, load) = vectors::ask(&app, &model, keep_alive(keep)?, texts).await?;
    Ok(json(&json!({
        "model": model,
        "embeddings": vectors.numbers()?,
        "total_duration": u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX),
        "load_duration": u64::try_from(load.as_nanos()).unwrap_or(u64::MAX),
        "prompt_eval_count": vectors.tokens,
    })))
}
