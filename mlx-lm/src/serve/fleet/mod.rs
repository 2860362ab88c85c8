//! The models: which are on this machine, which are loaded, and when they are loaded and let go.

mod keep;
mod memory;
mod names;
mod process;
mod store;

pub use keep::KeepAlive;
pub(super) use names::canonical;
pub(super) use process::{Runner, Ticket};
pub(super) use store::{Local, Stored};

use super::{
    failure::{Failure, Kind},
    metering,
    protocol::{Gauges, LoadOptions},
};
use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime},
};
use tokio::sync::Notify;

/// What the fleet is told at the start.
#[derive(Clone, Debug)]
pub(super) struct FleetOptions {
    /// The program that has the runner's role: this one.
    pub(super) program: PathBuf,
    /// How long models stay loaded without requests, unless a request says otherwise.
    pub(super) keep_alive: KeepAlive,
    /// How long loading may take.
    pub(super) patience: Duration,
    /// Requests that may wait for a model beyond those it works on.
    pub(super) queue: usize,
    /// Bytes that all models may hold; none asks the machine.
    pub(super) memory: Option<u64>,
    /// What each runner gets; the location and the memory are filled in.
    pub(super) load: LoadOptions,
}

/// All models of this server.
pub(super) struct Fleet {
    options: FleetOptions,
    pub(super) local: Local,
    loaded: Mutex<BTreeMap<String, Arc<Loaded>>>,
    /// Models load one after the other, so that each sees what the last one left.
    gate: tokio::sync::Mutex<()>,
    pub(super) deaths: AtomicU64,
    draining: AtomicBool,
    /// Something became idle: the janitor should look.
    idle: Notify,
}

/// A loaded model.
pub(super) struct Loaded {
    pub(super) name: String,
    pub(super) runner: Runner,
    pub(super) size: u64,
    use_: Mutex<Use>,
}

#[derive(Clone, Copy)]
struct Use {
    leases: usize,
    until: Instant,
    keep: KeepAlive,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The right to use a loaded model: while one is held, the model stays.
pub(super) struct Lease {
    pub(super) model: Arc<Loaded>,
    fleet: Arc<Fleet>,
}

impl std::ops::Deref for Lease {
    type Target = Runner;

    fn deref(&self) -> &Runner {
        &self.model.runner
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut use_ = lock(&self.model.use_);
        use_.leases -= 1;
        use_.until = use_.keep.after(Instant::now());
        if use_.leases == 0 {
            self.fleet.idle.notify_one();
        }
    }
}

impl Fleet {
    pub(super) fn new(options: FleetOptions, local: Local) -> Arc<Fleet> {
        let fleet = Arc::new(Fleet {
            options,
            local,
            loaded: Mutex::default(),
            gate: tokio::sync::Mutex::default(),
            deaths: AtomicU64::new(0),
            draining: AtomicBool::new(false),
            idle: Notify::new(),
        });
        tokio::spawn(janitor(Arc::downgrade(&fleet)));
        fleet
    }

    /// The model called `name`, loaded if need be. `keep` changes how long it stays after its last use.
    pub(super) async fn lease(
        self: &Arc<Self>,
        name: &str,
        keep: Option<KeepAlive>,
    ) -> Result<Lease, Failure> {
        let name = self.local.name(name)?;
        if self.is_draining() {
            return Err(Failure::new(Kind::Draining, "the server is shutting down"));
        }
        if let Some(lease) = self.take(&name, keep) {
            return Ok(lease);
        }
        // A task of its own: a client that gives up does not undo the loading that others wait for.
        let fleet = self.clone();
        let load = tokio::spawn(async move {
            let _gate = fleet.gate.lock().await;
            match fleet.take(&name, keep) {
                Some(lease) => Ok(lease),
                None => fleet.load(&name, keep).await,
            }
        });
        load.await.unwrap_or_else(|error| Err(Failure::internal(format!("loading failed: {error}"))))
    }

    /// The same with room for `count` more generations.
    pub(super) async fn lease_for(
        self: &Arc<Self>,
        name: &str,
        keep: Option<KeepAlive>,
        count: usize,
    ) -> Result<Lease, Failure> {
        let lease = self.lease(name, keep).await?;
        let room = self.options.load.batch + self.options.queue;
        if lease.busy() + count > room {
            metrics::counter!("mlx_lm_queue_full_total").increment(1);
            let message = format!("{room} requests run or wait already; try again later");
            return Err(Failure::new(Kind::QueueFull, message));
        }
        Ok(lease)
    }

    fn take(self: &Arc<Self>, name: &str, keep: Option<KeepAlive>) -> Option<Lease> {
        let model = lock(&self.loaded).get(name).filter(|model| !model.runner.is_dead())?.clone();
        Some(self.hold(model, keep))
    }

    fn hold(self: &Arc<Self>, model: Arc<Loaded>, keep: Option<KeepAlive>) -> Lease {
        {
            let mut use_ = lock(&model.use_);
            use_.leases += 1;
            use_.keep = keep.unwrap_or(use_.keep);
        }
        Lease { model, fleet: self.clone() }
    }

    async fn load(self: &Arc<Self>, name: &str, keep: Option<KeepAlive>) -> Result<Lease, Failure> {
        let stored = self.local.find(name).ok_or_else(|| Failure::model_not_found(name))?;
        let size = memory::file_bytes(&stored.location);
        let budget = memory::budget(self.options.memory);
        self.make_room(name, size, budget)?;

        let mut options = self.options.load.clone();
        match stored.location {
            crate::source::Location::Folder(path) => options.folder = Some(path),
            crate::source::Location::Gguf(path) => options.gguf = Some(path),
        }
        options.memory = Some(budget.saturating_sub(self.held()));
        tracing::info!(model = name, "loading");
        let (fleet, model) = (Arc::downgrade(self), name.to_owned());
        let runner = Runner::start(&self.options.program, options, self.options.patience, move |status| {
            if let Some(fleet) = fleet.upgrade() {
                fleet.ended(&model, status);
            }
        });
        let runner = runner.await?;
        for warning in &runner.facts.warnings {
            tracing::warn!(model = name, "{warning}");
        }
        tracing::info!(model = name, seconds = runner.load_time.as_secs_f64(), "loaded");
        metrics::histogram!("mlx_lm_load_seconds").record(runner.load_time.as_secs_f64());
        let pinned = self.local.is_pinned(name);
        let keep_alive = if pinned { KeepAlive::Forever } else { self.options.keep_alive };
        let use_ = Use { leases: 0, until: Instant::now(), keep: keep_alive };
        let model = Arc::new(Loaded { name: name.to_owned(), runner, size, use_: Mutex::new(use_) });
        // The lease comes first: a model without one may be let go at once.
        let lease = self.hold(model.clone(), keep);
        lock(&self.loaded).insert(name.to_owned(), model);
        Ok(lease)
    }

    /// Lets idle models go, the least recently used first, until one of `size` bytes fits.
    fn make_room(&self, name: &str, size: u64, budget: u64) -> Result<(), Failure> {
        while !memory::fits(size, self.held(), budget) {
            let idle = lock(&self.loaded)
                .values()
                .filter(|model| lock(&model.use_).leases == 0)
                .min_by_key(|model| lock(&model.use_).until)
                .cloned();
            match idle {
                Some(model) => self.drop_model(&model, "another model needs its memory"),
                None => return Err(memory::refuse(name, size, self.held(), budget)),
            }
        }
        Ok(())
    }

    /// Bytes that loaded models hold.
    fn held(&self) -> u64 {
        lock(&self.loaded).values().map(|model| model.size.max(model.runner.gauges().active_bytes)).sum()
    }

    fn drop_model(&self, model: &Arc<Loaded>, why: &str) {
        let mut loaded = lock(&self.loaded);
        if loaded.get(&model.name).is_some_and(|other| Arc::ptr_eq(other, model)) {
            loaded.remove(&model.name);
        }
        metering::holds(&model.name, &Gauges::default());
        tracing::info!(model = model.name, why, "unloading");
        model.runner.stop();
    }

    /// Takes note that a runner's process has ended.
    fn ended(&self, name: &str, status: std::io::Result<std::process::ExitStatus>) {
        let mut loaded = lock(&self.loaded);
        let died = loaded.get(name).is_some_and(|model| model.runner.is_dead());
        if died {
            loaded.remove(name);
            metering::holds(name, &Gauges::default());
            self.deaths.fetch_add(1, Ordering::Relaxed);
            metrics::counter!("mlx_lm_runner_deaths_total").increment(1);
            let how = status.map_or_else(|error| error.to_string(), |status| status.to_string());
            tracing::error!(model = name, how, "the model's process died");
        }
    }

    /// Lets the model go when its last request ends; says whether it was loaded.
    pub(super) fn unload(&self, name: &str) -> Result<bool, Failure> {
        let name = self.local.name(name)?;
        let model = lock(&self.loaded).get(&name).cloned();
        if let Some(model) = &model {
            let mut use_ = lock(&model.use_);
            (use_.keep, use_.until) = (KeepAlive::For(Duration::ZERO), Instant::now());
            self.idle.notify_one();
        }
        Ok(model.is_some())
    }

    /// Deletes a model of the store, or a further name of one.
    pub(super) fn remove(&self, name: &str) -> Result<(), Failure> {
        if self.local.forget(name)? {
            return Ok(());
        }
        let name = self.local.name(name)?;
        let stored = self.local.find(&name).ok_or_else(|| Failure::model_not_found(&name))?;
        if self.local.is_pinned(&name) {
            return Err(Failure::new(Kind::Forbidden, "the server was started with this model and keeps it"));
        }
        if let Some(model) = lock(&self.loaded).get(&name).cloned()
            && lock(&model.use_).leases > 0
        {
            return Err(Failure::new(Kind::Forbidden, "the model is in use"));
        }
        self.unload(&name)?;
        self.local.delete(&stored)
    }

    /// The loaded models, with the time until which each stays if it is not used.
    pub(super) fn loaded(&self) -> Vec<(Arc<Loaded>, Option<SystemTime>)> {
        let now = (Instant::now(), SystemTime::now());
        let expires = |model: &Loaded| {
            let Use { leases, until, keep } = *lock(&model.use_);
            let until = if leases > 0 { keep.after(now.0) } else { until };
            keep.ends().then(|| now.1 + until.saturating_duration_since(now.0))
        };
        lock(&self.loaded).values().map(|model| (model.clone(), expires(model))).collect()
    }

    pub(super) fn is_draining(&self) -> bool {
        self.draining.load(Ordering::SeqCst)
    }

    /// Takes no new requests.
    pub(super) fn drain(&self) {
        self.draining.store(true, Ordering::SeqCst);
    }

    /// Ends all runners.
    pub(super) fn stop(&self) {
        std::mem::take(&mut *lock(&self.loaded)).values().for_each(|model| model.runner.stop());
    }
}

/// Lets models go when their time is up.
async fn janitor(fleet: std::sync::Weak<Fleet>) {
    const ROUND: Duration = Duration::from_secs(1);
    loop {
        let Some(fleet) = fleet.upgrade() else { return };
        let now = Instant::now();
        let models: Vec<_> = lock(&fleet.loaded).values().cloned().collect();
        for model in models {
            let use_ = *lock(&model.use_);
            if use_.leases == 0 && use_.keep.ends() && use_.until <= now {
                fleet.drop_model(&model, "not used any more");
            }
        }
        let _ = tokio::time::timeout(ROUND, fleet.idle.notified()).await;
    }
}
