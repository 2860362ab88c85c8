//! For people and machines that watch the server.

use super::document;
use crate::serve::{
    App,
    failure::{Failure, Kind},
    http::json,
};
use axum::{
    extract::State,
    http::header::{CONTENT_SECURITY_POLICY, CONTENT_TYPE},
    response::{IntoResponse, Response},
};
use serde_json::json;
use std::sync::Arc;

/// Everything the page needs is in the page.
const POLICY: &str = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; connect-src 'self'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The chat page.
pub(super) async fn page() -> Response {
    let headers = [(CONTENT_TYPE, "text/html; charset=utf-8"), (CONTENT_SECURITY_POLICY, POLICY)];
    (headers, include_str!("page.html")).into_response()
}

/// Whether the server runs
#[utoipa::path(get, path = "/health", tag = "Operations", responses(document::Json, document::Failures))]
pub(super) async fn health() -> Response {
    json(&json!({ "status": "ok" }))
}

/// Whether the server takes requests
#[utoipa::path(get, path = "/ready", tag = "Operations", responses(document::Json, document::Failures))]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    if app.fleet.is_draining() {
        return Err(Failure::new(Kind::Draining, "the server is shutting down"));
    }
    let models: Vec<String> = app.fleet.loaded().into_iter().map(|(model, _)| model.name.clone()).collect();
    Ok(json(&json!({
        "status": "ready",
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_seconds": app.started.elapsed().unwrap_or_default().as_secs(),
        "models": models,
        "runner_deaths": app.fleet.deaths.load(std::sync::atomic::Ordering::Relaxed),
    })))
}

/// Numbers in Prometheus's text form
#[utoipa::path(get, path = "/metrics", tag = "Operations",
    responses((status = 200, description = "Prometheus's text form", content_type = "text/plain"), document::Failures))]
pub(super) async fn metrics(State(app): State<Arc<App>>) -> Response {
    ([(CONTENT_TYPE, "text/plain; version=0.0.4")], app.metrics.render(&app)).into_response()
}
