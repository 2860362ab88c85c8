//! `/v1/models`: the models of this machine.

use super::super::document;
use crate::serve::{App, failure::Failure, fleet::Stored, http::json, unix_time};
use axum::{
    extract::{Path, State},
    response::Response,
};
use serde_json::{Value, json};
use std::sync::Arc;

fn model(stored: &Stored) -> Value {
    json!({
        "id": stored.name,
        "object": "model",
        "created": unix_time(stored.modified()),
        "owned_by": "local",
    })
}

/// List the models of this machine
#[utoipa::path(get, path = "/v1/models", tag = "OpenAI", responses(document::Json, document::Failures))]
pub(in crate::serve) async fn list(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let stored = stored(&app).await?;
    Ok(json(&json!({ "object": "list", "data": stored.iter().map(model).collect::<Vec<_>>() })))
}

/// Show one model
#[utoipa::path(get, path = "/v1/models/{model}", tag = "OpenAI", params(("model" = String, Path)),
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn get(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
) -> Result<Response, Failure> {
    let name = app.fleet.local.name(&name)?;
    let found = stored(&app).await?.into_iter().find(|stored| stored.name == name);
    Ok(json(&model(&found.ok_or_else(|| Failure::model_not_found(&name))?)))
}

/// The models, read from the disk on a thread that may wait.
pub(in crate::serve) async fn stored(app: &Arc<App>) -> Result<Vec<Stored>, Failure> {
    let app = app.clone();
    let all = tokio::task::spawn_blocking(move || app.fleet.local.all()).await;
    all.unwrap_or_else(|error| Err(Failure::internal(error.to_string())))
}
