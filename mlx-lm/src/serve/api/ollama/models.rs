//! `/api/tags`, `/api/ps`, `/api/show` and the like: the models of this machine.

use super::super::{document, openai};
use crate::{
    Summary,
    serve::{
        App,
        failure::{Failure, Kind},
        fleet::Stored,
        http::{Strict, json},
    },
    source::Location,
};
use axum::{
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use std::{sync::Arc, time::SystemTime};
use utoipa::ToSchema;

/// Refuses to change what models there are, unless the server allows it.
pub(super) fn may_manage(app: &App) -> Result<(), Failure> {
    if app.options.may_manage() {
        return Ok(());
    }
    Err(Failure::new(Kind::Forbidden, "this server fetches and deletes no models; see --manage-models"))
}

/// The version of the program
#[utoipa::path(get, path = "/api/version", tag = "Ollama", responses(document::Json, document::Failures))]
pub(in crate::serve) async fn version() -> Response {
    json(&json!({ "version": env!("CARGO_PKG_VERSION") }))
}

fn time(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).unwrap_or(jiff::Timestamp::UNIX_EPOCH).to_string()
}

/// What `config.json` says; GGUF files say it elsewhere.
fn config(stored: &Stored) -> Map<String, Value> {
    let Location::Folder(folder) = &stored.location else { return Map::new() };
    let text = std::fs::read_to_string(folder.join("config.json")).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn details(stored: &Stored, config: &Map<String, Value>) -> Value {
    let is_gguf = matches!(stored.location, Location::Gguf(_));
    let family = config.get("model_type").and_then(Value::as_str).unwrap_or_default();
    let bits = config.get("quantization").and_then(|quantization| quantization["bits"].as_u64());
    json!({
        "parent_model": "",
        "format": if is_gguf { "gguf" } else { "mlx" },
        "family": family,
        "families": if family.is_empty() { json!([]) } else { json!([family]) },
        "parameter_size": "",
        "quantization_level": bits.map(|bits| format!("{bits}-bit")).unwrap_or_default(),
    })
}

/// The commit of a repository's snapshot, or nothing.
fn digest(stored: &Stored) -> String {
    let name = stored.location.path().file_name().unwrap_or_default().to_string_lossy().into_owned();
    if name.len() == 40 && name.bytes().all(|byte| byte.is_ascii_hexdigit()) { name } else { String::new() }
}

fn entry(stored: &Stored) -> Value {
    json!({
        "name": stored.name,
        "model": stored.name,
        "modified_at": time(stored.modified()),
        "size": stored.bytes(),
        "digest": digest(stored),
        "details": details(stored, &config(stored)),
    })
}

/// List the models of this machine
#[utoipa::path(get, path = "/api/tags", tag = "Ollama", responses(document::Json, document::Failures))]
pub(in crate::serve) async fn tags(State(app): State<Arc<App>>) -> Result<Response, Failure> {
    let all = openai::models::stored(&app).await?;
    Ok(json(&json!({ "models": all.iter().map(entry).collect::<Vec<_>>() })))
}

/// List the loaded models
#[utoipa::path(get, path = "/api/ps", tag = "Ollama", responses(document::Json, document::Failures))]
pub(in crate::serve) async fn ps(State(app): State<Arc<App>>) -> Response {
    let model = |(model, until): (Arc<crate::serve::fleet::Loaded>, Option<SystemTime>)| {
        let facts = &model.runner.facts;
        let held = model.runner.gauges().active_bytes.max(model.size);
        json!({
            "name": model.name,
            "model": model.name,
            "size": held,
            "size_vram": held,
            "digest": "",
            "details": { "family": facts.model_type, "families": [facts.model_type], "format": "mlx",
                         "parent_model": "", "parameter_size": "", "quantization_level": "" },
            "expires_at": time(until.unwrap_or(SystemTime::now() + std::time::Duration::from_secs(315_360_000))),
            "context_length": facts.context_length.unwrap_or_default(),
            "pid": model.runner.pid,
        })
    };
    json(&json!({ "models": app.fleet.loaded().into_iter().map(model).collect::<Vec<_>>() }))
}

/// A request that names a model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::ModelRequest)]
pub(in crate::serve) struct ModelRequest {
    #[serde(alias = "name")]
    model: String,
    #[allow(dead_code, reason = "everything is always told")]
    verbose: Option<bool>,
}

/// Show one model
#[utoipa::path(post, path = "/api/show", tag = "Ollama", request_body = ModelRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn show(
    State(app): State<Arc<App>>,
    Strict(request): Strict<ModelRequest>,
) -> Result<Response, Failure> {
    let name = app.fleet.local.name(&request.model)?;
    let stored = app.fleet.local.find(&name).ok_or_else(|| Failure::model_not_found(&name))?;
    let describe = tokio::task::spawn_blocking(move || describe(&stored)).await;
    describe.unwrap_or_else(|error| Err(Failure::internal(error.to_string()))).map(|value| json(&value))
}

/// What the files of a model say of it.
fn describe(stored: &Stored) -> Result<Value, Failure> {
    let summary = Summary::read(&stored.location).map_err(|error| Failure::from(&error))?;
    let capabilities = [
        ("completion", true),
        ("tools", summary.tools),
        ("thinking", summary.thinking),
        ("embedding", summary.embedding),
    ];
    let capabilities: Vec<&str> =
        capabilities.into_iter().filter_map(|(name, can)| can.then_some(name)).collect();
    let architecture = &summary.architecture;
    let mut details = details(stored, &config(stored));
    details["family"] = architecture.clone().into();
    details["families"] = json!([architecture]);
    details["parameter_size"] = format!("{:.2}B", summary.parameters as f64 / 1e9).into();
    details["quantization_level"] = summary.quantization.clone().into();
    let mut info = Map::new();
    info.insert("general.architecture".into(), architecture.clone().into());
    info.insert("general.parameter_count".into(), summary.parameters.into());
    info.insert(format!("{architecture}.context_length"), json!(summary.context_length));
    Ok(json!({
        "license": "",
        "modelfile": format!("FROM {}", stored.name),
        "parameters": "",
        "template": "",
        "details": details,
        "model_info": info,
        "capabilities": capabilities,
        "modified_at": time(stored.modified()),
    }))
}

/// Give a model another name.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::CopyRequest)]
pub(in crate::serve) struct CopyRequest {
    source: String,
    destination: String,
}

/// Give a model a further name
#[utoipa::path(post, path = "/api/copy", tag = "Ollama", request_body = CopyRequest,
    responses((status = 200, description = "Done"), document::Failures))]
pub(in crate::serve) async fn copy(
    State(app): State<Arc<App>>,
    Strict(request): Strict<CopyRequest>,
) -> Result<Response, Failure> {
    may_manage(&app)?;
    app.fleet.local.copy(&request.source, &request.destination)?;
    Ok(StatusCode::OK.into_response())
}

/// Delete a model, or a further name of one
#[utoipa::path(delete, path = "/api/delete", tag = "Ollama", request_body = ModelRequest,
    responses((status = 200, description = "Done"), document::Failures))]
pub(in crate::serve) async fn remove(
    State(app): State<Arc<App>>,
    Strict(request): Strict<ModelRequest>,
) -> Result<Response, Failure> {
    may_manage(&app)?;
    let task = tokio::task::spawn_blocking(move || app.fleet.remove(&request.model));
    task.await.map_err(|error| Failure::internal(error.to_string()))??;
    Ok(StatusCode::OK.into_response())
}
