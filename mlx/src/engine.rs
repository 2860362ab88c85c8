//! A thread that owns arrays and takes work.

use crate::{Error, ErrorKind, Result, ffi::stream};
use std::{
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    sync::mpsc,
    thread::{Builder, JoinHandle},
};

type Job<S> = Box<dyn FnOnce(&mut S) + Send>;

/// A named thread with a state of its own, typically a model with its streams and caches.
///
/// MLX binds streams to threads and leaks one system thread per CPU stream, so a program keeps one engine for long
/// instead of starting threads per task. Any thread may hold the engine and give it work; what crosses is `Send`:
/// token ids, text, numbers. Dropping the engine waits for its work, synchronizes and frees its streams.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Engine};
/// let engine = Engine::start("adder", || Ok(Array::scalar(1.0f32)))?;
/// let sum = engine.run(|one| (&*one + 2.0).item::<f32>())??;
/// assert_eq!(sum, 3.0);
/// # Ok(())
/// # }
/// ```
pub struct Engine<S> {
    jobs: Option<mpsc::SyncSender<Job<S>>>,
    thread: Option<JoinHandle<()>>,
}

/// Differentiating and compiling recurse over the graph; only what is touched is ever committed.
const STACK_BYTES: usize = 256 << 20;
const QUEUED_JOBS: usize = 64;

impl<S: 'static> Engine<S> {
    /// Starts a thread called `name` and makes the state there.
    pub fn start<E, F>(name: &str, make: F) -> std::result::Result<Engine<S>, E>
    where
        F: FnOnce() -> std::result::Result<S, E> + Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (jobs, queue) = mpsc::sync_channel::<Job<S>>(QUEUED_JOBS);
        let (ready, started) = mpsc::sync_channel(1);
        let thread = Builder::new().name(name.to_owned()).stack_size(STACK_BYTES).spawn(move || {
            match make() {
                Ok(mut state) => {
                    let _ = ready.send(Ok(()));
                    // A posted job that panics has told the panic hook; the next one still runs.
                    queue
                        .into_iter()
                        .for_each(|job| drop(catch_unwind(AssertUnwindSafe(|| job(&mut state)))));
                }
                Err(error) => drop(ready.send(Err(error))),
            }
            // A failure here has no one left to read it: the state is gone and nothing more runs on this thread.
            let _ = stream::synchronize(None).and_then(|()| stream::clear());
        });
        let thread =
            thread.map_err(|e| Error::new(ErrorKind::Io, "Engine::start", format!("no new thread: {e}")))?;
        let engine = Engine { jobs: Some(jobs), thread: Some(thread) };
        match started.recv() {
            Ok(result) => result.map(|()| engine),
            Err(_) => Err(gone("Engine::start").into()),
        }
    }

    /// Runs `job` on the engine's thread and waits for its result. A panic in it resumes here.
    #[track_caller]
    pub fn run<R: Send + 'static>(&self, job: impl FnOnce(&mut S) -> R + Send + 'static) -> Result<R> {
        let (reply, answer) = mpsc::sync_channel(1);
        self.post(move |state| {
            let _ = reply.send(catch_unwind(AssertUnwindSafe(|| job(state))));
        })?;
        match answer.recv() {
            Ok(Ok(result)) => Ok(result),
            Ok(Err(panic)) => resume_unwind(panic),
            Err(_) => Err(gone("Engine::run")),
        }
    }

    /// Queues `job` and returns; blocks only while the queue is full.
    #[track_caller]
    pub fn post(&self, job: impl FnOnce(&mut S) + Send + 'static) -> Result<()> {
        let jobs = self.jobs.as_ref().ok_or_else(|| gone("Engine::post"))?;
        jobs.send(Box::new(job)).map_err(|_| gone("Engine::post"))
    }
}

#[track_caller]
fn gone(op: &'static str) -> Error {
    Error::new(ErrorKind::Backend, op, "the engine's thread has ended")
}

impl<S> Drop for Engine<S> {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic of the thread was already handed to whoever waited for the job.
            let _ = thread.join();
        }
    }
}
