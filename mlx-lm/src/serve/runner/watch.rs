//! Bounds on what cannot be stopped.

use crate::serve::failure::Failure;
use std::{
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::Duration,
};

/// How long a chat template may render. Its steps and its output are counted, and take a fraction of a second; but lists that
/// contain one another are compared and joined in a single step, which may take centuries.
const LIMIT: Duration = Duration::from_secs(10);

/// Calls `render`. If that takes too long, it ends the process, for it has nothing else to end: the front tells the clients,
/// and starts another.
///
/// # Errors
/// There is nobody to watch the time.
pub(super) fn watched<T>(render: impl FnOnce() -> T) -> Result<T, Failure> {
    let (done, over) = mpsc::channel::<()>();
    let watch = move || {
        if over.recv_timeout(LIMIT) == Err(RecvTimeoutError::Timeout) {
            eprintln!("error: the chat template still renders after {} s", LIMIT.as_secs());
            std::process::exit(1);
        }
    };
    let watcher = thread::Builder::new().name("watch".into()).spawn(watch);
    watcher.map_err(|error| Failure::internal(format!("cannot watch a chat template: {error}")))?;
    let rendered = render();
    drop(done);
    Ok(rendered)
}
