//! `/api/generate`: the answer to one prompt.

use super::{
    options::{Options, format, logprobs, think},
    reply::{Kind, Writer, empty},
};
use crate::{
    Message,
    serve::{
        App, KeepAlive,
        api::{
            document,
            fields::{inert, keep_alive},
        },
        failure::Failure,
        http::{Caller, Generation, Strict, collect, json, stream},
        protocol::{Conversation, Input, Job},
    },
};
use axum::{Extension, extract::State, response::Response};
use serde::Deserialize;
use serde_json::{Value, json};
use std::{
    sync::Arc,
    time::{Duration, Instant},
};
use utoipa::ToSchema;

/// A request for the answer to one prompt. Without a prompt it loads the model.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ollama::GenerateRequest)]
pub(in crate::serve) struct GenerateRequest {
    #[schema(min_length = 1, max_length = 256)]
    model: String,
    prompt: Option<String>,
    system: Option<String>,
    /// Send the answer piece by piece, on lines. Default: true.
    stream: Option<bool>,
    /// Continue the prompt as it is, without the chat template.
    raw: Option<bool>,
    /// `json`, or a JSON schema.
    format: Option<Value>,
    options: Option<Options>,
    keep_alive: Option<Value>,
    /// True, false, or a level.
    think: Option<Value>,
    logprobs: Option<bool>,
    #[schema(minimum = 0, maximum = 20)]
    top_logprobs: Option<u8>,
    suffix: Option<Value>,
    template: Option<Value>,
    context: Option<Value>,
    images: Option<Value>,
    #[allow(dead_code, reason = "nothing is ever cut; documented")]
    truncate: Option<bool>,
    #[allow(dead_code, reason = "nothing is ever cut; documented")]
    shift: Option<bool>,
}

/// Answer a prompt
#[utoipa::path(post, path = "/api/generate", tag = "Ollama", request_body = GenerateRequest,
    responses(document::Json, document::Failures))]
pub(in crate::serve) async fn generate(
    State(app): State<Arc<App>>,
    Extension(caller): Extension<Caller>,
    Strict(request): Strict<GenerateRequest>,
) -> Result<Response, Failure> {
    inert("suffix", &request.suffix, &[json!("")])?;
    inert("template", &request.template, &[json!("")])?;
    inert("context", &request.context, &[json!([])])?;
    inert("images", &request.images, &[json!([])])?;
    let keep = keep_alive(request.keep_alive)?;
    let logprobs = logprobs(request.logprobs, request.top_logprobs)?;
    let kwargs = think(request.think)?;
    let job = Job {
        format: format(request.format)?,
        logprobs,
        salt: caller.salt,
        ..request.options.unwrap_or_default().job()?
    };
    let prompt = request.prompt.unwrap_or_default();
    if prompt.is_empty() {
        return load(&app, Kind::Generate, request.model, keep).await;
    }
    // Held until the generation has a lease of its own: the model may be told not to stay.
    let lease = app.fleet.lease(&request.model, keep).await?;
    let raw = request.raw.unwrap_or(false) || !lease.facts.has_template;
    let input = if raw {
        Input::Text(prompt)
    } else {
        let system = request.system.filter(|text| !text.is_empty()).map(Message::system);
        let messages = system.into_iter().chain([Message::user(prompt)]).collect();
        Input::Chat(Conversation { messages, kwargs, ..Conversation::default() })
    };
    let answer =
        answer(&app, Kind::Generate, request.model, keep, Job { input, ..job }, request.stream).await;
    drop(lease);
    answer
}

/// Runs a job and answers.
pub(super) async fn answer(
    app: &Arc<App>,
    kind: Kind,
    model: String,
    keep: Option<KeepAlive>,
    job: Job,
    streams: Option<bool>,
) -> Result<Response, Failure> {
    let began = Instant::now();
    let wants_logprobs = job.logprobs.is_some();
    let generation = Generation::start(app, &model, keep, vec![job]).await?;
    let load = generation.load_time.unwrap_or_default();
    let writer = Writer { kind, model, began, load, wants_logprobs };
    if streams.unwrap_or(true) {
        return Ok(stream(generation, writer));
    }
    let answers = collect(generation).await?;
    Ok(json(&writer.whole(&answers.into_iter().next().unwrap_or_default())))
}

/// Loads the model, or lets it go if it is not to be kept.
pub(super) async fn load(
    app: &Arc<App>,
    kind: Kind,
    model: String,
    keep: Option<KeepAlive>,
) -> Result<Response, Failure> {
    if keep == Some(KeepAlive::For(Duration::ZERO)) {
        let name = app.fleet.local.name(&model)?;
        app.fleet.local.find(&name).ok_or_else(|| Failure::model_not_found(&name))?;
        app.fleet.unload(&model)?;
        return Ok(json(&empty(kind, &model, "unload")));
    }
    drop(app.fleet.lease(&model, keep).await?);
    Ok(json(&empty(kind, &model, "load")))
}
