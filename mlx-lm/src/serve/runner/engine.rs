//! The thread that owns the model: it takes requests in, lets them decode together, and tells how they fare.

use super::{
    Outbox,
    embeddings::Embeddings,
    fail,
    prefix::PrefixTree,
    requests,
    schedule::{Action, Pace, Tick, decide_tick},
    session::Session,
    text::{Prepared, Work},
};
use crate::{
    Batch, Cache, Event as Step, Finish, Lm,
    generate::{Id, Prefilled, Snapshot},
    serve::{
        failure::{Failure, Kind},
        protocol::{Delta, Event, Finished, Gauges, LoadOptions, Reason, Report, Timings, Usage},
    },
    summary::CacheSize,
};
use std::{
    collections::{BTreeMap, VecDeque},
    sync::{atomic::Ordering, mpsc},
    time::{Duration, Instant},
};

/// Tokens of an answer that a request must find room for before it starts; the rest finds room as it comes.
const ANSWER_AHEAD: usize = 256;

/// How often the front hears what the runner holds.
const GAUGES_EVERY: Duration = Duration::from_millis(250);

/// How long to wait before looking again whether there is room.
const NAP: Duration = Duration::from_millis(20);

/// Works until the process ends.
pub(super) fn run(lm: &Lm, options: &LoadOptions, queue: &mpsc::Receiver<Work>, out: &Outbox) {
    Engine {
        lm,
        cache_size: CacheSize::of(lm.config()),
        options,
        out,
        batch: Batch::new(lm),
        waiting: VecDeque::new(),
        active: BTreeMap::new(),
        embeddings: Embeddings::default(),
        vectors_next: false,
        prefixes: PrefixTree::new(options.prefix_bytes),
        grammars: requests::Grammars::default(),
        pace: Pace::default(),
        steps_since_chunk: 0,
        gauges: (Instant::now(), Gauges::default()),
    }
    .work(queue);
}

struct Engine<'m> {
    lm: &'m Lm,
    /// What tokens of context take.
    cache_size: CacheSize,
    options: &'m LoadOptions,
    out: &'m Outbox,
    batch: Batch<'m>,
    /// Requests that have not begun, the oldest first.
    waiting: VecDeque<Prepared>,
    active: BTreeMap<Id, Active>,
    embeddings: Embeddings<'m>,
    /// Whether it is the turn of vectors, and not of prompts.
    vectors_next: bool,
    prefixes: PrefixTree<Cache>,
    grammars: requests::Grammars,
    pace: Pace,
    steps_since_chunk: usize,
    gauges: (Instant, Gauges),
}

/// A request that runs.
struct Active {
    request: Prepared,
    session: Session,
    cached: usize,
    /// Tokens of the prompt that have passed.
    done: usize,
    started: Instant,
    /// When the prompt had passed.
    ready: Option<Instant>,
    /// When it came, and what all steps had taken of the model's time by then.
    first_token: Option<(Instant, Duration)>,
}

impl Engine<'_> {
    fn work(&mut self, queue: &mpsc::Receiver<Work>) {
        loop {
            if self.waiting.is_empty() && self.batch.is_empty() && self.embeddings.is_empty() {
                self.report_gauges(true);
                match queue.recv() {
                    Ok(work) => self.take_in(work),
                    Err(_) => return,
                }
            }
            queue.try_iter().for_each(|work| self.take_in(work));
            self.sweep();
            self.admit();
            let done = self.tick().and_then(|tick| match decide_tick(tick) {
                Action::Prefill if self.is_turn_of_vectors() => {
                    self.embed();
                    Ok(())
                }
                Action::Prefill => self.prefill(),
                Action::Decode => self.decode(0),
                Action::DecodeBeside => {
                    self.decode(self.pace.beside(self.options.prefill_step, self.batch.running()))
                }
                Action::Wait => {
                    if !self.waiting.is_empty() {
                        std::thread::sleep(NAP);
                    }
                    Ok(())
                }
            });
            if let Err(error) = done {
                // Nothing of what the batch held can be trusted.
                self.batch.clear();
                let failure = Failure::internal(format!("the model failed: {error}"));
                for active in std::mem::take(&mut self.active).into_values() {
                    fail(self.out, active.request.id, failure.clone());
                }
            }
            self.report_gauges(false);
        }
    }

    fn tick(&self) -> crate::Result<Tick> {
        let (decoding, reading) = (self.batch.running(), self.batch.waiting() > 0);
        Ok(Tick {
            decoding,
            begun: self.batch.in_flight() > 0,
            prompts: reading || !self.embeddings.is_empty(),
            soon: self.embeddings.is_empty() && self.is_read_soon(),
            beside: decoding > 0 && self.embeddings.is_empty() && self.batch.can_run_beside()?,
            steps_since_chunk: self.steps_since_chunk,
        })
    }

    /// Whether the first answer that could begin can as well wait for the prompt that is being read.
    fn is_read_soon(&self) -> bool {
        let unread = |active: &Active| active.request.prompt.len() - active.done;
        let unread = self.active.values().filter(|active| active.ready.is_none()).map(unread).sum();
        let ready = self.active.values().filter_map(|active| Some((active.ready?, active.started)));
        let first = ready.min().map(|(ready, started)| (ready - started, ready.elapsed()));
        first.is_some_and(|(own, waited)| self.pace.is_soon(unread, own, waited))
    }

    fn take_in(&mut self, work: Work) {
        match work {
            Work::Generate(request) => self.waiting.push_back(request),
            Work::Embed(asked) => self.embeddings.push(asked),
        }
    }

    /// Vectors and prompts take turns.
    fn is_turn_of_vectors(&mut self) -> bool {
        self.vectors_next = !self.vectors_next;
        !self.embeddings.is_empty() && (self.vectors_next || self.batch.waiting() == 0)
    }

    fn embed(&mut self) {
        self.steps_since_chunk = 0;
        let tokens = self.embeddings.tokens_ahead(self.lm, self.out);
        match self.room(tokens) {
            Room::Enough => self.embeddings.step(self.out),
            Room::Later => {}
            Room::Never => {
                let failure = Failure::new(Kind::Memory, "the model's memory is full: the texts do not fit");
                self.embeddings.refuse(self.out, failure);
            }
        }
    }

    /// Lets go what nobody waits for any more, and what took too long.
    fn sweep(&mut self) {
        self.embeddings.sweep();
        let now = Instant::now();
        let is_late = |request: &Prepared| request.deadline.is_some_and(|deadline| now > deadline);
        let late = || Failure::new(Kind::Deadline, "the request took too long");
        let out = self.out;
        self.waiting.retain(|request| {
            let cancelled = request.flag.load(Ordering::Relaxed);
            if !cancelled && is_late(request) {
                fail(out, request.id, late());
            }
            !cancelled && !is_late(request)
        });
        let over = |(id, active): (&Id, &Active)| {
            let cancelled = active.request.flag.load(Ordering::Relaxed);
            (cancelled || is_late(&active.request)).then_some((*id, cancelled))
        };
        let over: Vec<(Id, bool)> = self.active.iter().filter_map(over).collect();
        for (id, cancelled) in over {
            let Some(active) = self.active.remove(&id) else { continue };
            if !cancelled {
                fail(out, active.request.id, late());
            }
            // What was read of the prompt serves the client that asks again.
            match self.batch.remove(id) {
                Ok(Some(snapshot)) => self.store(active.request.job.salt, snapshot),
                Ok(None) => {}
                Err(error) => eprintln!("error: cannot remove a generation: {error}"),
            }
        }
    }

    /// Takes requests in, as long as there is room. One prompt is read at a time: the next one may find in the cache what
    /// this one reads.
    fn admit(&mut self) {
        while self.batch.waiting() == 0 && self.active.len() < self.options.batch {
            let Some(request) = self.waiting.pop_front() else { return };
            match self.room(request.prompt.len() + request.max_tokens.min(ANSWER_AHEAD)) {
                Room::Enough => {}
                Room::Later => {
                    self.waiting.push_front(request);
                    return;
                }
                Room::Never => {
                    let message =
                        "the model's memory is full: the prompt and its answer do not fit beside the weights";
                    fail(self.out, request.id, Failure::new(Kind::Memory, message));
                    continue;
                }
            }
            let id = request.id;
            if let Err(failure) = self.begin(request) {
                fail(self.out, id, failure);
            }
        }
    }

    /// Whether so many tokens fit the memory, by what is in use and not by what MLX keeps for reuse.
    fn room(&mut self, tokens: usize) -> Room {
        let Some(limit) = self.options.memory else { return Room::Enough };
        let need = self.cache_size.bytes(tokens as u64);
        let used = || mlx::memory::active().unwrap_or(0) as u64;
        let lacking = |used: u64| (used + need).saturating_sub(limit);
        if lacking(used()) > 0 {
            // Cached prompts make room for new ones.
            self.prefixes.shrink(lacking(used()));
            if let Err(error) = mlx::memory::clear_cache() {
                eprintln!("error: cannot clear the pool: {error}");
            }
        }
        match lacking(used()) {
            0 => Room::Enough,
            _ if self.batch.is_empty() => Room::Never,
            _ => Room::Later,
        }
    }

    fn begin(&mut self, request: Prepared) -> Result<(), Failure> {
        let started = Instant::now();
        let prompt = &request.prompt;
        // One token at least must run.
        let wanted = &prompt[..prompt.len() - 1];
        let can_cut =
            |cache: &Cache, extra: usize| i32::try_from(extra).is_ok_and(|extra| cache.can_trim(extra));
        let start = self.prefixes.find(request.job.salt, wanted, can_cut).and_then(|hit| {
            let mut cache = hit.value;
            cache.trim(i32::try_from(hit.length - hit.shared).ok()?).ok()?;
            Some(Snapshot { tokens: prompt[..hit.shared].to_vec(), cache })
        });
        let cached = start.as_ref().map_or(0, |start| start.tokens.len());
        let mut generation = requests::request(self.lm, &request, &mut self.grammars)?
            .prefill_step(self.options.prefill_step)
            .keep_cache();
        // Answers to the same prompt begin here; others, where a cache cannot be cut, at the ends of messages.
        generation = generation.checkpoints(request.boundaries.iter().copied().chain([prompt.len() - 1]));
        if let Some(start) = start {
            generation = generation.start_from(start);
        }
        let session = Session::new(self.lm.tokenizer(), &request.job, request.rendered.as_deref());
        let id = self.batch.add(generation).map_err(|error| Failure::from(&error))?;
        let active =
            Active { request, session, cached, done: cached, started, ready: None, first_token: None };
        self.active.insert(id, active);
        Ok(())
    }

    fn prefill(&mut self) -> crate::Result<()> {
        let began = Instant::now();
        let decoding = self.batch.in_flight();
        let chunk = self.pace.chunk(self.options.prefill_step, decoding);
        let steps = self.batch.prefill_at_most(chunk)?;
        self.steps_since_chunk = 0;
        let tokens = self.read(&steps);
        self.pace.prefilled(tokens, decoding, began.elapsed());
        steps.into_iter().try_for_each(|step| self.tell(step))
    }

    /// Computes a token for all, and runs so many of a prompt beside.
    fn decode(&mut self, beside: usize) -> crate::Result<()> {
        let (began, waited_for) = (Instant::now(), self.batch.in_flight());
        let steps = self.batch.decode_beside(beside)?;
        // Behind a chunk, that step has begun before.
        if self.steps_since_chunk > 0 && waited_for > 0 {
            self.pace.stepped(waited_for, began.elapsed());
        }
        self.steps_since_chunk += 1;
        self.read(&steps);
        steps.into_iter().try_for_each(|step| self.tell(step))
    }

    /// Counts the tokens of prompts that have passed; gives how many.
    fn read(&mut self, steps: &[Step]) -> usize {
        let mut tokens = 0;
        for step in steps {
            if let Step::Prefilled(prefilled) = step
                && let Some(active) = self.active.get_mut(&prefilled.id)
            {
                tokens += prefilled.done.saturating_sub(active.done);
                active.done = prefilled.done;
                if prefilled.done + 1 >= prefilled.total {
                    active.ready = Some(Instant::now());
                }
            }
        }
        tokens
    }

    fn tell(&mut self, step: Step) -> crate::Result<()> {
        match step {
            Step::Prefilled(prefilled) => self.prefilled(prefilled),
            Step::Piece { id, piece } => {
                let Some(active) = self.active.get_mut(&id) else { return Ok(()) };
                active.first_token.get_or_insert_with(|| (Instant::now(), self.batch.host_time().model()));
                let delta = active.session.push(self.lm.tokenizer(), piece);
                let front = active.request.id;
                if delta != Delta::default() {
                    self.out.send(Report::Event { id: front, event: Event::Delta(delta) });
                }
                if active.session.is_satisfied() {
                    let snapshot = self.batch.remove(id)?;
                    self.finished(id, Finish::Stop, None, snapshot);
                }
            }
            Step::Finished { id, finish, stop, snapshot, .. } => self.finished(id, finish, stop, snapshot),
            Step::Failed { id, error } => {
                if let Some(active) = self.active.remove(&id) {
                    fail(self.out, active.request.id, Failure::from(&error));
                }
            }
        }
        Ok(())
    }

    fn prefilled(&mut self, prefilled: Prefilled) {
        let Prefilled { id, done, total, checkpoint } = prefilled;
        let Some(active) = self.active.get_mut(&id) else { return };
        let event = Event::Prefill { done, total };
        self.out.send(Report::Event { id: active.request.id, event });
        if let Some(snapshot) = checkpoint {
            let salt = active.request.job.salt;
            self.store(salt, snapshot);
        }
    }

    fn finished(&mut self, id: Id, finish: Finish, stop: Option<String>, snapshot: Option<Snapshot>) {
        let Some(active) = self.active.remove(&id) else { return };
        let Active { request, session, cached, started, first_token, .. } = active;
        let reason = match finish {
            Finish::Stop if session.calls > 0 => Reason::ToolCalls,
            Finish::Stop => Reason::Stop,
            _ => Reason::Length,
        };
        let now = (Instant::now(), self.batch.host_time().model());
        let first = first_token.unwrap_or(now);
        let nanos = |time: Duration| u64::try_from(time.as_nanos()).unwrap_or(u64::MAX);
        let finished = Finished {
            reason,
            stop,
            usage: Usage {
                prompt: request.prompt.len(),
                cached,
                completion: session.tokens,
                reasoning: session.reasoning,
            },
            timings: Timings {
                queue: nanos(started - request.accepted),
                prefill: nanos(first.0 - started),
                decode: nanos(now.0 - first.0),
                model: nanos(now.1 - first.1),
            },
            malformed_calls: session.malformed,
        };
        self.out.send(Report::Event { id: request.id, event: Event::Finished(finished) });
        if let Some(snapshot) = snapshot {
            self.store(request.job.salt, snapshot);
        }
    }

    /// Keeps what a request has left behind for the next one that begins alike.
    fn store(&mut self, salt: u64, snapshot: Snapshot) {
        let Snapshot { tokens, cache } = snapshot;
        // Evaluated, it holds on to nothing that it was made of.
        let bytes = match mlx::eval(cache.arrays()).map_err(Into::into).and_then(|()| cache.nbytes()) {
            Ok(bytes) => bytes as u64,
            Err(error) => {
                eprintln!("error: a prompt was not cached: {error}");
                return;
            }
        };
        let can_be_cut = i32::try_from(tokens.len()).is_ok_and(|length| cache.can_trim(length));
        self.prefixes.insert(salt, &tokens, cache, bytes, can_be_cut);
    }

    fn report_gauges(&mut self, idle: bool) {
        let (last, before) = self.gauges;
        if !idle && last.elapsed() < GAUGES_EVERY {
            return;
        }
        let bytes = |value: mlx::Result<usize>| value.unwrap_or(0) as u64;
        let gauges = Gauges {
            active_bytes: bytes(mlx::memory::active()),
            pool_bytes: bytes(mlx::memory::cached()),
            peak_bytes: bytes(mlx::memory::peak()),
            prefix_bytes: self.prefixes.bytes(),
            prefix_entries: self.prefixes.entries(),
            running: self.active.len() as u64,
            waiting: (self.waiting.len() + self.embeddings.len()) as u64,
        };
        self.gauges = (Instant::now(), gauges);
        if gauges != before {
            self.out.send(Report::Gauges(gauges));
        }
    }
}

/// Whether there is memory for a request.
enum Room {
    Enough,
    /// When others have ended.
    Later,
    Never,
}
