//! All routes, in one table, and what lies around each.

use super::guard::guard;
use crate::serve::{
    App,
    api::{ROUTES, Style},
    failure::{Failure, Kind},
    metering, random_hex,
};
use axum::{
    Router,
    extract::{MatchedPath, Request},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    middleware::{Next, from_fn, from_fn_with_state},
    response::{IntoResponse, Response},
};
use std::{any::Any, sync::Arc, time::Instant};
use tower_http::catch_panic::CatchPanicLayer;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What answers without a key: nothing that says anything of models or requests.
const PUBLIC: [&str; 2] = ["/", "/health"];

pub(super) fn is_public(path: &str) -> bool {
    PUBLIC.contains(&path)
}

/// The whole server. A request passes the layers from the last one inwards.
pub(super) fn router(app: &Arc<App>) -> Router {
    let mut router = Router::new();
    for route in ROUTES {
        router = router.route(route.path, (route.handler)());
    }
    router
        .fallback(async || Failure::new(Kind::RouteNotFound, "there is no such route"))
        .method_not_allowed_fallback(async || {
            Failure::new(Kind::MethodNotAllowed, "the route has no such method")
        })
        .layer(from_fn_with_state(app.clone(), guard))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn(observe))
        .with_state(app.clone())
}

fn panicked(_: Box<dyn Any + Send>) -> Response {
    Failure::internal("the server failed").into_response()
}

/// A failure on its way out; [`observe`] puts it in the words of the API that was asked.
impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.kind.facts().status);
        let mut response = status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Gives each request an id, each failure its API's words, and takes note of how it went: never of what was said.
async fn observe(request: Request, next: Next) -> Response {
    let began = Instant::now();
    let id = request_id(request.headers());
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let route = request.extensions().get::<MatchedPath>().map(|path| path.as_str().to_owned());
    let mut response = next.run(request).await;
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        render(&mut response, &failure, &path, &id);
    }
    let status = response.status().as_u16();
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    let headers = response.headers_mut();
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let route = route.as_deref().unwrap_or("none");
    metering::request(route, status, began);
    tracing::info!(%method, route, status, ms = began.elapsed().as_millis(), id, "request");
    response
}

fn render(response: &mut Response, failure: &Failure, path: &str, id: &str) {
    let facts = failure.kind.facts();
    if facts.status >= 500 {
        tracing::warn!(id, kind = ?failure.kind, message = failure.message, "request failed");
    }
    let body = Style::of(path).failure(failure).to_string();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.remove(header::CONTENT_LENGTH);
    if let Some(seconds) = facts.retry_after {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if failure.kind == Kind::Unauthorized {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
    }
    if matches!(failure.kind, Kind::BodyTooLarge | Kind::BodyTimeout) {
        // What is left of the body is not read.
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    *response.body_mut() = body.into();
}

/// The client's id, if it is harmless in a log, else a new one.
fn request_id(headers: &HeaderMap) -> String {
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let harmless = |id: &&str| {
        !id.is_empty()
            && id.len() <= 64
            && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b))
    };
    given.filter(harmless).map_or_else(|| format!("req_{}", random_hex()), str::to_owned)
}
