//! The runner's role: a process that holds one model and works for the front at the other end of its stdin.
//!
//! Three kinds of thread: this one reads orders; one (with a big stack) owns the model; two turn text into tokens and
//! answer questions. Another writes reports. When the front is gone, the process ends.

mod embeddings;
mod engine;
mod outbox;
mod prefix;
#[cfg(test)]
mod prefix_tests;
mod requests;
mod schedule;
mod session;
mod structure;
mod text;
mod watch;

use super::{
    failure::Failure,
    protocol::{Event, LoadOptions, Order, Report, read_frame},
};
use crate::{Error, Lm};
use outbox::Outbox;
use std::{
    collections::HashMap,
    io,
    os::{fd::AsFd, unix::net::UnixStream},
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};
use text::{Task, Texts};

/// Flags by which what waits or runs is told to stop.
pub(super) type Flag = Arc<AtomicBool>;

/// Runs until the front closes its end of stdin.
///
/// # Errors
/// When stdin is no socket, or the front does not speak as it should.
pub fn run() -> io::Result<()> {
    let mut front = UnixStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    let out = Outbox::start(front.try_clone()?)?;
    let Some(Order::Load(options)) = read_frame(&mut front)? else { return Ok(()) };
    let (work, queue) = mpsc::channel();
    let engine = match load(options.clone()) {
        Ok(engine) => engine,
        Err(error) => {
            out.send(Report::Broken(Failure::from(&error)));
            out.finish();
            return Ok(());
        }
    };
    let facts = engine.run(|lm| text::facts(lm)).map_err(io::Error::other)?;
    let tokenizer = engine.run(|lm| lm.tokenizer().clone()).map_err(io::Error::other)?;
    let facts = facts.map_err(io::Error::other)?;
    let texts = Arc::new(Texts::new(tokenizer, facts.clone(), options.context, work, out.clone()));
    out.send(Report::Ready(facts));
    let (tasks, task_queue) = mpsc::channel();
    start_text_threads(&texts, task_queue)?;
    let reports = out.clone();
    engine.post(move |lm| engine::run(lm, &options, &queue, &reports)).map_err(io::Error::other)?;
    let result = obey(&mut front, &tasks);
    // The front is gone, or makes no sense: nobody waits for what still runs.
    std::process::exit(i32::from(result.is_err()));
}

fn load(options: LoadOptions) -> Result<mlx::Engine<Lm>, Error> {
    let location = options.location().ok_or_else(|| Error::Invalid("no model was named".into()))?;
    mlx::Engine::start("model", move || Lm::open(&location))
}

/// Text work is cheap but for the longest prompts; with two threads, one such does not hold the others up.
fn start_text_threads(texts: &Arc<Texts>, queue: mpsc::Receiver<Task>) -> io::Result<()> {
    let queue = Arc::new(Mutex::new(queue));
    for _ in 0..2 {
        let (queue, texts) = (queue.clone(), texts.clone());
        thread::Builder::new().name("text".into()).stack_size(16 << 20).spawn(move || {
            loop {
                let task = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
                let Ok(task) = task else { return };
                texts.work(task);
            }
        })?;
    }
    Ok(())
}

/// Passes orders on until the front is gone.
fn obey(front: &mut UnixStream, tasks: &mpsc::Sender<Task>) -> io::Result<()> {
    let mut flags: HashMap<u64, Flag> = HashMap::new();
    while let Some(order) = read_frame(front)? {
        match order {
            Order::Load(_) => return Err(io::Error::other("a runner loads one model")),
            Order::Generate { id, job } => {
                let flag = new_flag(&mut flags, id);
                tasks.send(Task::Generate { id, job, flag }).map_err(io::Error::other)?;
            }
            Order::Cancel { id } => {
                if let Some(flag) = flags.remove(&id) {
                    flag.store(true, Ordering::Relaxed);
                }
            }
            Order::Ask { id, question } => {
                let flag = new_flag(&mut flags, id);
                tasks.send(Task::Ask { id, question, flag }).map_err(io::Error::other)?;
            }
        }
    }
    Ok(())
}

fn new_flag(flags: &mut HashMap<u64, Flag>, id: u64) -> Flag {
    // Flags that only this map still holds belong to what has ended.
    flags.retain(|_, flag| Arc::strong_count(flag) > 1);
    let flag = Flag::default();
    flags.insert(id, flag.clone());
    flag
}

/// Tells the front how generation `id` went wrong.
fn fail(out: &Outbox, id: u64, failure: Failure) {
    out.send(Report::Event { id, event: Event::Failed(failure) });
}
