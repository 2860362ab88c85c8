//! `/api/pull`: fetching a model, told line by line.

use super::models::may_manage;
use crate::{
    serve::{
        App,
        api::{Style, document, fields::inert},
        failure::{Failure, Kind},
        fleet::canonical,
        http::{Strict, json},
    },
    source::{Observer, resolve},
};
use axum::{
    body::Body,
    extract::State,
    http::header::CONTENT_TYPE,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};
use tokio::sync::mpsc;
use utoipa::ToSchema;

/// How often the progress is told.
const EVERY: Duration = Duration::from_millis(200);

/// A request to fetch a model from the hub.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::PullRequest)]
pub(in crate::serve) struct PullRequest {
    #[serde(alias = "name")]
    model: String,
    /// Tell of the progress, on lines. Default: true.
    stream: Option<bool>,
    insecure: Option<Value>,
}

/// Fetch a model
#[utoipa::path(post, path = "/api/pull", tag = "Ollama", request_body = PullRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn pull(
    State(app): State<Arc<App>>,
    Strict(request): Strict<PullRequest>,
) -> Result<Response, Failure> {
    may_manage(&app)?;
    inert("insecure", &request.insecure, &[json!(false)])?;
    // Only the hub that the server was told of is ever asked: a name holds no host.
    let name = canonical(&request.model)?;
    let (sender, mut receiver) = mpsc::channel::<Value>(16);
    let mut source = app.fleet.local.source.clone();
    source.progress = false;
    source.observer = Some(observer(sender.clone()));
    let fetch = tokio::task::spawn_blocking(move || {
        let _ = sender.blocking_send(json!({ "status": "pulling manifest" }));
        let last = match resolve(&name, &source) {
            Ok(_) => json!({ "status": "success" }),
            Err(error) => Style::Ollama.failure(&refusal(&error)),
        };
        let _ = sender.blocking_send(last);
    });
    if request.stream.unwrap_or(true) {
        let lines = futures_util::stream::unfold(receiver, |mut receiver| async {
            receiver.recv().await.map(|line| (Ok::<_, Infallible>(format!("{line}\n")), receiver))
        });
        return Ok(([(CONTENT_TYPE, "application/x-ndjson")], Body::from_stream(lines)).into_response());
    }
    let mut last = json!({});
    while let Some(line) = receiver.recv().await {
        last = line;
    }
    fetch.await.map_err(|error| Failure::internal(error.to_string()))?;
    match last["error"].as_str() {
        Some(message) => Err(Failure::new(Kind::ModelNotFound, message)),
        None => Ok(json(&last)),
    }
}

/// Tells of a download a few times a second; who does not listen misses nothing.
fn observer(lines: mpsc::Sender<Value>) -> Observer {
    let last = Mutex::new(None::<Instant>);
    Observer::new(move |what, completed, total| {
        let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
        if last.is_none_or(|last| last.elapsed() > EVERY) {
            *last = Some(Instant::now());
            let status = format!("pulling {what}");
            let _ = lines.try_send(
                json!({ "status": status, "digest": what, "total": total, "completed": completed }),
            );
        }
    })
}

/// A failure without the paths of this machine.
fn refusal(error: &crate::Error) -> Failure {
    match error {
        crate::Error::Io { source, .. } => Failure::internal(source.to_string()),
        other => Failure::from(other),
    }
}
