//! Requests that are generated together, as text.

use super::{
    Finish, HostTime, Id, Piece, Prefilled, Prompt, Request, Snapshot, Stats, TokenBatch, stats::Clock,
    text::Text, token_batch::Decoded,
};
use crate::{Error, Lm, Result};
use std::{collections::BTreeMap, time::Instant};

/// Requests that are generated together. They join and leave at any step, and each gets the text that it would get alone.
///
/// ```no_run
/// # fn main() -> mlx_lm::Result<()> {
/// use mlx_lm::{Batch, Event, Lm};
/// let lm = Lm::load("smollm2:135m")?;
/// let mut batch = Batch::new(&lm);
/// let france = batch.add(lm.chat("What is the capital of France?")?.max_tokens(50))?;
/// let italy = batch.add(lm.chat("What is the capital of Italy?")?.max_tokens(50))?;
/// while !batch.is_empty() {
///     for event in batch.step()? {
///         match event {
///             Event::Piece { id, piece } if id == france => print!("{}", piece.text),
///             Event::Finished { id, .. } if id == italy => println!("Italy is done"),
///             _ => {}
///         }
///     }
/// }
/// # Ok(()) }
/// ```
///
/// A scheduler of its own calls [`Batch::prefill`] and [`Batch::decode`] in place of [`Batch::step`]. After an error of
/// these the batch is empty; what concerns one request is an [`Event::Failed`].
pub struct Batch<'m> {
    lm: &'m Lm,
    tokens: TokenBatch<'m>,
    rows: BTreeMap<Id, Row<'m>>,
    /// Whether the last step was one of decoding.
    decoded: bool,
    host: HostTime,
}

struct Row<'m> {
    text: Text<'m>,
    clock: Clock,
    max_tokens: usize,
    keep_cache: bool,
}

/// What happened to a request.
#[derive(Debug)]
pub enum Event {
    /// A chunk of its prompt has run.
    Prefilled(Prefilled),
    /// A token came.
    Piece {
        /// Whose.
        id: Id,
        /// The token and its text.
        piece: Piece,
    },
    /// It has ended and left the batch.
    Finished {
        /// Which.
        id: Id,
        /// Why.
        finish: Finish,
        /// The stop string that ended it.
        stop: Option<String>,
        /// Counts and times.
        stats: Stats,
        /// What it has left behind, if it was asked to [keep](Request::keep_cache) that.
        snapshot: Option<Snapshot>,
    },
    /// It cannot go on and has left the batch.
    Failed {
        /// Which.
        id: Id,
        /// Why.
        error: Error,
    },
}

impl<'m> Batch<'m> {
    /// A batch without requests.
    pub fn new(lm: &'m Lm) -> Batch<'m> {
        let tokens = TokenBatch::new(lm.model());
        Batch { lm, tokens, rows: BTreeMap::new(), decoded: false, host: HostTime::default() }
    }

    /// Adds a request, of the same model as the batch; nothing is computed yet.
    ///
    /// # Errors
    /// As [`Request::start`].
    pub fn add(&mut self, mut request: Request<'m>) -> Result<Id> {
        if !std::ptr::eq(request.lm, self.lm) {
            return Err(Error::Invalid("the request is for another model than the batch's".into()));
        }
        if request.draft.is_some() {
            return Err(Error::Invalid("a draft serves one request alone, not one of a batch".into()));
        }
        let length = request.prepare()?;
        let Request { prompt, options, stop, start, .. } = request;
        let (max_tokens, keep_cache) = (options.max_tokens, options.keep_cache);
        let cached = start.as_ref().map_or(0, |start| start.tokens.len().min(length.saturating_sub(1)));
        let id = match prompt {
            Prompt::Tokens(ids) => self.tokens.add(&ids, options, start)?,
            Prompt::Embeddings(embeddings) => self.tokens.add_embeddings(embeddings, options)?,
            Prompt::Text(_) => return Err(Error::Invalid("the prompt is not encoded".into())),
        };
        let text = Text::new(self.lm.tokenizer(), stop);
        self.rows.insert(id, Row { text, clock: Clock::new(length, cached), max_tokens, keep_cache });
        Ok(id)
    }

    /// Does the next thing: in turn a chunk of the prompt that has waited longest, and a token for each of the others.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn step(&mut self) -> Result<Vec<Event>> {
        let prefills = self.tokens.waiting() > 0 && (self.decoded || self.tokens.running() == 0);
        self.decoded = !prefills;
        if prefills { self.prefill() } else { self.decode() }
    }

    /// Runs one chunk of the prompt that has waited longest, if there is one.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn prefill(&mut self) -> Result<Vec<Event>> {
        self.prefill_at_most(usize::MAX)
    }

    /// [`Batch::prefill`] of a chunk of at most `tokens` tokens.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn prefill_at_most(&mut self, tokens: usize) -> Result<Vec<Event>> {
        let prefilled = self.tokens.prefill_at_most(tokens).inspect_err(|_| self.rows.clear())?;
        let mut events = vec![];
        if let Some(prefilled) = prefilled {
            self.read(prefilled, &mut events);
        }
        Ok(events)
    }

    fn read(&mut self, prefilled: Prefilled, events: &mut Vec<Event>) {
        let (id, is_done) = (prefilled.id, prefilled.done + 1 >= prefilled.total);
        events.push(Event::Prefilled(prefilled));
        if is_done && self.rows.get(&id).is_some_and(|row| row.max_tokens == 0) {
            events.extend(self.finished(id, Finish::Length, None));
        }
    }

    /// Computes a token for each request whose prompt is done, and gives those of the step before.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn decode(&mut self) -> Result<Vec<Event>> {
        self.decode_beside(0)
    }

    /// Whether [`Batch::decode_beside`] can run tokens of the prompt that has waited longest.
    ///
    /// # Errors
    /// As [`TokenBatch::can_run_beside`].
    pub fn can_run_beside(&self) -> Result<bool> {
        self.tokens.can_run_beside()
    }

    /// [`Batch::decode`], and with the same products up to `tokens` tokens of the prompt that has waited longest, if that
    /// [can be](TokenBatch::can_run_beside).
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn decode_beside(&mut self, tokens: usize) -> Result<Vec<Event>> {
        let advanced = self.tokens.decode_beside(tokens).inspect_err(|_| self.rows.clear())?;
        let start = Instant::now();
        let mut events = Vec::with_capacity(advanced.decoded.len() + 1);
        for decoded in advanced.decoded {
            self.tell(decoded, &mut events)?;
        }
        if let Some(prefilled) = advanced.prefilled {
            self.read(prefilled, &mut events);
        }
        self.host.text += start.elapsed();
        Ok(events)
    }

    fn tell(&mut self, decoded: Decoded, events: &mut Vec<Event>) -> Result<()> {
        let Decoded { id, token, mut snapshot } = decoded;
        let Some(row) = self.rows.get_mut(&id) else { return Ok(()) };
        row.clock.tick();
        let left = !matches!(&token, Ok(token) if token.finish.is_none());
        let piece = match token.and_then(|token| row.text.push(token)) {
            Ok(piece) => piece,
            Err(error) => {
                self.remove(id)?;
                events.push(Event::Failed { id, error });
                return Ok(());
            }
        };
        let finish = piece.finish;
        events.push(Event::Piece { id, piece });
        if let Some(finish) = finish {
            if !left {
                let keeps = row.keep_cache;
                snapshot = self.tokens.remove(id)?.filter(|_| keeps);
            }
            events.extend(self.finished(id, finish, snapshot));
        }
        Ok(())
    }

    fn finished(&mut self, id: Id, finish: Finish, snapshot: Option<Snapshot>) -> Option<Event> {
        let row = self.rows.remove(&id)?;
        let stop = row.text.matched().map(str::to_owned);
        let stats = Stats { host: self.host_time(), ..row.clock.stats };
        Some(Event::Finished { id, finish, stop, stats, snapshot })
    }

    /// Ends a request early and gives what it leaves behind; `None` if it has left already. No event tells of it.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn remove(&mut self, id: Id) -> Result<Option<Snapshot>> {
        self.rows.remove(&id);
        self.tokens.remove(id)
    }

    /// Removes all requests.
    pub fn clear(&mut self) {
        self.rows.clear();
        self.tokens.clear();
    }

    /// A snapshot of a request that goes on; `None` if it has left.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn snapshot(&self, id: Id) -> Result<Option<Snapshot>> {
        self.tokens.snapshot(id)
    }

    /// Counts and times so far of a request that has not left.
    pub fn stats(&self, id: Id) -> Option<Stats> {
        self.rows.get(&id).map(|row| Stats { host: self.host_time(), ..row.clock.stats })
    }

    /// Where the time of this thread went so far.
    pub fn host_time(&self) -> HostTime {
        let HostTime { steps, total, forward, wait, .. } = self.tokens.host_time();
        HostTime { steps, total: total + self.host.text, forward, wait, text: self.host.text }
    }

    /// Requests whose prompt is not done.
    pub fn waiting(&self) -> usize {
        self.tokens.waiting()
    }

    /// Requests that [`Batch::decode`] computes tokens for.
    pub fn running(&self) -> usize {
        self.tokens.running()
    }

    /// How many tokens pass in the step that is being computed: [`TokenBatch::in_flight`].
    pub fn in_flight(&self) -> usize {
        self.tokens.in_flight()
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Bytes that the caches of all requests take.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn cache_bytes(&self) -> Result<usize> {
        self.tokens.cache_bytes()
    }
}
