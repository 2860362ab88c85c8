//! Connections: accepted up to a limit, timed, and drained at the end.

use super::router::router;
use crate::{
    Error, Result,
    serve::{
        App, ServeOptions,
        fleet::{Fleet, FleetOptions, Local, canonical},
        metering::Metrics,
        protocol::LoadOptions,
    },
    source::resolve,
};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, SystemTime},
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::Semaphore,
    time::timeout,
};

/// From the connection, or the end of the last answer on it, to the end of the next request's headers.
const HEADER_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_HEADERS: usize = 100;
const MAX_HEADER_BYTES: usize = 64 << 10;

/// Runs the server until a signal ends it; `listening` hears where it listens.
///
/// # Errors
/// [`Error::Invalid`] for options that make no sense, [`Error::Io`] when it cannot listen, and what a model that was
/// named fails with.
pub fn serve(options: ServeOptions, listening: impl FnOnce(SocketAddr)) -> Result<()> {
    options.check()?;
    let local = local_models(&options)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().thread_name("serve").build();
    let runtime = runtime.map_err(|error| Error::io("the asynchronous runtime", error))?;
    runtime.block_on(run(options, local, listening))
}

/// The models that the options name, fetched if need be, and the aliases.
fn local_models(options: &ServeOptions) -> Result<Local> {
    let mut named = BTreeMap::new();
    for model in &options.models {
        let (name, model) = match model.split_once('=') {
            Some((name, model)) => (name.to_owned(), model),
            None => (name_of(model), model.as_str()),
        };
        named.insert(name, resolve(model, &options.source)?);
    }
    let mut aliases = BTreeMap::new();
    for alias in &options.aliases {
        let Some((name, model)) = alias.split_once('=') else {
            return Err(Error::Invalid(format!("the alias `{alias}` must be NAME=MODEL")));
        };
        let model = if named.contains_key(model) {
            model.to_owned()
        } else {
            canonical(model).map_err(|failure| Error::Invalid(failure.message))?
        };
        aliases.insert(name.to_owned(), model);
    }
    Ok(Local::new(options.source.clone(), named, aliases))
}

/// The name by which requests call a model that was given by its name or path.
fn name_of(model: &str) -> String {
    let path = std::path::Path::new(model);
    if path.exists() {
        let stem = if path.is_dir() { path.file_name() } else { path.file_stem() };
        return stem.map_or_else(|| model.to_owned(), |stem| stem.to_string_lossy().into_owned());
    }
    canonical(model).unwrap_or_else(|_| model.to_owned())
}

async fn run(options: ServeOptions, local: Local, listening: impl FnOnce(SocketAddr)) -> Result<()> {
    let asked = SocketAddr::new(options.host, options.port);
    let failed = |error| Error::io(format!("listening on {asked}"), error);
    let listener = TcpListener::bind(asked).await.map_err(failed)?;
    let address = listener.local_addr().map_err(failed)?;
    let fleet_options = FleetOptions {
        program: options.program.clone(),
        keep_alive: options.keep_alive,
        patience: options.load_timeout,
        queue: options.queue,
        memory: options.memory_limit,
        load: LoadOptions {
            folder: None,
            gguf: None,
            batch: options.batch,
            prefill_step: options.prefill_step,
            context: options.context,
            prefix_bytes: options.prefix_cache,
            memory: options.memory_limit,
        },
    };
    let named: Vec<String> = local.pinned().map(str::to_owned).collect();
    let fleet = Fleet::new(fleet_options, local);
    for name in named {
        let loaded = fleet.lease(&name, None).await;
        drop(loaded.map_err(|failure| Error::Invalid(format!("{name}: {}", failure.message)))?);
    }
    let app =
        Arc::new(App { options, fleet, metrics: Metrics::start(), started: SystemTime::now(), address });
    listening(address);
    accept(&app, listener).await
}

async fn accept(app: &Arc<App>, listener: TcpListener) -> Result<()> {
    let signals = |kind| signal(kind).map_err(|error| Error::io("signals", error));
    let (mut terminate, mut interrupt) =
        (signals(SignalKind::terminate())?, signals(SignalKind::interrupt())?);
    let service = TowerToHyperService::new(router(app));
    let graceful = GracefulShutdown::new();
    let room = Arc::new(Semaphore::new(app.options.max_connections));
    loop {
        let next = async {
            let permit = room.clone().acquire_owned().await;
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            next = next => next,
            _ = terminate.recv() => break,
            _ = interrupt.recv() => break,
        };
        let stream = match accepted {
            Ok((stream, _)) => stream,
            Err(error) => {
                // Out of descriptors, most likely: others will be closed.
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        // Tokens are small and must not wait for one another.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "no TCP_NODELAY");
        }
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(HEADER_TIMEOUT)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES)
            .serve_connection(TokioIo::new(stream), service.clone());
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
            drop(permit);
        });
    }
    drop(listener);
    tracing::info!("shutting down; a second signal ends at once");
    app.fleet.drain();
    tokio::select! {
        drained = timeout(app.options.drain_timeout, graceful.shutdown()) => {
            if drained.is_err() {
                tracing::warn!("requests that still ran were cut off");
            }
        }
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    app.fleet.stop();
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_named_by_their_files_or_names() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("my-model");
        std::fs::create_dir(&model).unwrap();
        std::fs::write(folder.path().join("tiny.gguf"), "").unwrap();
        assert_eq!(name_of(model.to_str().unwrap()), "my-model");
        assert_eq!(name_of(folder.path().join("tiny.gguf").to_str().unwrap()), "tiny");
        assert_eq!(name_of("SmolLM2:135M"), "smollm2:135m");
    }
}
