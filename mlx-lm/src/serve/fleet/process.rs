//! One runner process, as the front sees it.

use crate::serve::{
    failure::{Failure, Kind},
    protocol::{
        Answer, Event, Facts, Gauges, Job, LoadOptions, Order, Question, Report, read_frame_async,
        write_frame_async,
    },
};
use std::{
    collections::HashMap,
    os::{fd::OwnedFd, unix::net::UnixStream as StdStream},
    path::Path,
    process::{ExitStatus, Stdio},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    net::{UnixStream, unix::OwnedReadHalf},
    process::{Child, Command},
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

/// Where the events of a request go: those of each of its choices, with the choice's number.
pub(in crate::serve) type Events = mpsc::UnboundedSender<(usize, Event)>;

/// A running runner.
pub(in crate::serve) struct Runner {
    pub(in crate::serve) facts: Facts,
    pub(in crate::serve) load_time: Duration,
    pub(in crate::serve) pid: Option<u32>,
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    generations: Mutex<HashMap<u64, (usize, Events)>>,
    questions: Mutex<HashMap<u64, oneshot::Sender<Result<Answer, Failure>>>>,
    gauges: Mutex<Gauges>,
    next: AtomicU64,
    dead: AtomicBool,
    stop: Notify,
}

/// No map here is left half changed by a panic.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Runner {
    /// Starts `program` in its runner's role and waits until it has loaded the model. `ended` hears how it ends later.
    pub(super) async fn start(
        program: &Path,
        options: LoadOptions,
        patience: Duration,
        ended: impl FnOnce(Result<ExitStatus, std::io::Error>) + Send + 'static,
    ) -> Result<Runner, Failure> {
        let began = Instant::now();
        let (mut child, stream) = spawn(program)
            .map_err(|error| Failure::internal(format!("cannot start {}: {error}", program.display())))?;
        let pid = child.id();
        let (mut read, mut write) = stream.into_split();
        let load = async {
            write_frame_async(&mut write, &Order::Load(options)).await?;
            read_frame_async::<Report>(&mut read).await
        };
        let facts = match timeout(patience, load).await {
            Ok(Ok(Some(Report::Ready(facts)))) => facts,
            Ok(Ok(Some(Report::Broken(failure)))) => return Err(failure),
            Ok(Ok(_) | Err(_)) => {
                let how =
                    child.wait().await.map_or_else(|error| error.to_string(), |status| status.to_string());
                return Err(Failure::new(
                    Kind::RunnerDied,
                    format!("the model's process died while loading: {how}"),
                ));
            }
            Err(_) => {
                return Err(Failure::new(Kind::Deadline, format!("loading took more than {patience:?}")));
            }
        };

        let (orders, mut queue) = mpsc::unbounded_channel::<Order>();
        let shared = Arc::new(Shared::default());
        tokio::spawn(async move {
            while let Some(order) = queue.recv().await {
                // A runner that has died is noticed by its reader.
                if write_frame_async(&mut write, &order).await.is_err() {
                    break;
                }
            }
        });
        tokio::spawn(supervise(child, read, shared.clone(), ended));
        Ok(Runner { facts, load_time: began.elapsed(), pid, orders, shared })
    }

    /// Starts a generation; its events go to `events`, marked with `choice`, until the ticket is dropped.
    pub(in crate::serve) fn generate(&self, job: Job, choice: usize, events: Events) -> Ticket {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        lock(&self.shared.generations).insert(id, (choice, events));
        let _ = self.orders.send(Order::Generate { id, job: Box::new(job) });
        if self.is_dead() {
            // It died before the entry was made; after this, whoever comes first tells it.
            self.shared.fail_all();
        }
        Ticket { id, orders: self.orders.clone(), shared: self.shared.clone() }
    }

    /// Asks a question about text.
    pub(in crate::serve) async fn ask(&self, question: Question) -> Result<Answer, Failure> {
        let id = self.shared.next.fetch_add(1, Ordering::Relaxed);
        let (reply, answer) = oneshot::channel();
        lock(&self.shared.questions).insert(id, reply);
        let _ = self.orders.send(Order::Ask { id, question });
        let _ticket = Ticket { id, orders: self.orders.clone(), shared: self.shared.clone() };
        if self.is_dead() {
            self.shared.fail_all();
        }
        answer.await.unwrap_or_else(|_| Err(died()))
    }

    pub(in crate::serve) fn is_dead(&self) -> bool {
        self.shared.dead.load(Ordering::SeqCst)
    }

    /// Generations and questions that run or wait.
    pub(in crate::serve) fn busy(&self) -> usize {
        lock(&self.shared.generations).len() + lock(&self.shared.questions).len()
    }

    pub(in crate::serve) fn gauges(&self) -> Gauges {
        *lock(&self.shared.gauges)
    }

    /// Ends the process. What still runs fails.
    pub(in crate::serve) fn stop(&self) {
        self.shared.stop.notify_one();
    }
}

/// The program in its runner's role, with one end of a socket pair as its stdin. It dies with the front: its end of
/// the pair closes.
fn spawn(program: &Path) -> std::io::Result<(Child, UnixStream)> {
    let (ours, theirs) = StdStream::pair()?;
    ours.set_nonblocking(true)?;
    let mut command = Command::new(program);
    command.arg("runner").stdin(Stdio::from(OwnedFd::from(theirs))).stdout(Stdio::null()).kill_on_drop(true);
    // Its own group: a Ctrl-C in the terminal reaches the front alone, which then drains.
    let child = command.process_group(0).spawn()?;
    Ok((child, UnixStream::from_std(ours)?))
}

async fn supervise(
    mut child: Child,
    mut read: OwnedReadHalf,
    shared: Arc<Shared>,
    ended: impl FnOnce(Result<ExitStatus, std::io::Error>) + Send + 'static,
) {
    tokio::select! {
        () = listen(&mut read, &shared) => {}
        () = shared.stop.notified() => {}
    }
    // Either it has closed its end, or said something that makes no sense, or is not wanted any more.
    let status = match timeout(Duration::from_millis(500), child.wait()).await {
        Ok(status) => status,
        Err(_) => child.kill().await.map(|()| ExitStatus::default()),
    };
    shared.dead.store(true, Ordering::SeqCst);
    shared.fail_all();
    ended(status);
}

async fn listen(read: &mut OwnedReadHalf, shared: &Shared) {
    loop {
        match read_frame_async::<Report>(read).await {
            Ok(Some(report)) => shared.pass_on(report),
            Ok(None) => return,
            Err(error) => {
                tracing::error!(%error, "cannot understand a runner");
                return;
            }
        }
    }
}

impl Shared {
    fn pass_on(&self, report: Report) {
        match report {
            Report::Event { id, event } => {
                let mut generations = lock(&self.generations);
                let last = matches!(event, Event::Finished(_) | Event::Failed(_));
                if let Some((choice, events)) = generations.get(&id) {
                    // A receiver that is gone has dropped its ticket, which cancels.
                    let _ = events.send((*choice, event));
                }
                if last {
                    generations.remove(&id);
                }
            }
            Report::Answer { id, answer } => {
                if let Some(reply) = lock(&self.questions).remove(&id) {
                    let _ = reply.send(answer);
                }
            }
            Report::Gauges(gauges) => *lock(&self.gauges) = gauges,
            Report::Ready(_) | Report::Broken(_) => {}
        }
    }

    fn fail_all(&self) {
        for (_, (choice, events)) in lock(&self.generations).drain() {
            let _ = events.send((choice, Event::Failed(died())));
        }
        lock(&self.questions).clear();
    }
}

fn died() -> Failure {
    Failure::new(Kind::RunnerDied, "the model's process died; it starts again with the next request")
}

/// A generation or a question that someone waits for. Dropping it cancels what has not ended.
pub(in crate::serve) struct Ticket {
    id: u64,
    orders: mpsc::UnboundedSender<Order>,
    shared: Arc<Shared>,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let generation = lock(&self.shared.generations).remove(&self.id).is_some();
        let question = lock(&self.shared.questions).remove(&self.id).is_some();
        if generation || question {
            metrics::counter!("mlx_lm_requests_cancelled_total").increment(1);
            let _ = self.orders.send(Order::Cancel { id: self.id });
        }
    }
}
