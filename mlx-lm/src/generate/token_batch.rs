//! The engine: sequences of tokens, generated together.

use super::{
    Id, Snapshot, Token, TokenOptions,
    logprobs::Scored,
    sequence::{Choice, Sequence},
    stats::HostTime,
    steps::Steps,
};
use crate::{Cache, Error, Result, models::LanguageModel};
use mlx::{Array, Device, Dtype, async_eval, concatenate, eval, memory};
use std::{collections::VecDeque, time::Instant};

/// Sequences that are generated together, each from a prompt and with options of its own; they join and leave at any
/// step, and each gets the tokens that it would get alone.
///
/// The caller decides what happens next: [`TokenBatch::prefill`] runs one chunk of one prompt, [`TokenBatch::decode`]
/// computes one token for every sequence whose prompt is done, and [`TokenBatch::decode_beside`] does both at once. The work of a step is submitted before the tokens of the
/// step before are read, so that the device never waits.
///
/// After an error of the batch as a whole it is empty: what an evaluation that failed has left behind is never read.
pub struct TokenBatch<'m> {
    model: &'m dyn LanguageModel,
    decoder: Steps<'m>,
    waiting: VecDeque<Waiting>,
    /// The rows of `cache`, in order.
    running: Vec<Sequence>,
    cache: Option<Cache>,
    pending: Pending,
    /// Sequences whose last token is being computed; they are not among the rows any more.
    leaving: Vec<(Sequence, Cache)>,
    next_id: u64,
    in_flight: usize,
    steps: usize,
    host: HostTime,
}

/// A sequence whose prompt has not run yet, but for its beginning.
struct Waiting {
    sequence: Sequence,
    cache: Cache,
    embeddings: Option<Array>,
}

/// What a step of decoding brought.
#[derive(Debug)]
pub struct Advanced {
    /// The tokens of the step before.
    pub decoded: Vec<Decoded>,
    /// The chunk of a prompt that ran beside.
    pub prefilled: Option<Prefilled>,
}

/// Tokens that are being computed, and whose they are.
#[derive(Default)]
struct Pending {
    /// `[owners]`.
    tokens: Option<Array>,
    /// The same in memory of their own: these can be read while the next step computes from the others.
    readable: Option<Array>,
    owners: Vec<Id>,
    scored: Vec<Option<Scored>>,
}

/// Scores of the next tokens `[owners, vocabulary]`, and whose they are.
struct Scores {
    logits: Array,
    owners: Vec<Id>,
}

/// What a chunk of a prompt brought.
#[derive(Clone, Debug)]
pub struct Prefilled {
    /// Whose prompt.
    pub id: Id,
    /// Tokens of the prompt that have passed, those that came with a cache included.
    pub done: usize,
    /// Tokens of the prompt. The last one passes with the first step of decoding.
    pub total: usize,
    /// A snapshot, where one was asked for at this position.
    pub checkpoint: Option<Snapshot>,
}

/// What a step of decoding brought for one sequence. If it is a failure or has a finish, the sequence has left.
#[derive(Debug)]
pub struct Decoded {
    /// Whose token.
    pub id: Id,
    /// The token, or why there are no more.
    pub token: Result<Token>,
    /// The cache of a sequence that has ended, if it was asked for.
    pub snapshot: Option<Snapshot>,
}

/// Of prompts of so many tokens and more the memory is made at once, with room for what is to come: an eighth, and at most so
/// many tokens. That of shorter ones grows as needed.
const LONG_PROMPT: usize = 2048;
const MOST_RESERVED: usize = 1024;

/// Buffers that are freed stay in MLX's pool; every so many steps it is emptied.
const CLEAR_POOL_EVERY: usize = 256;

impl<'m> TokenBatch<'m> {
    /// A batch without sequences.
    pub fn new(model: &'m dyn LanguageModel) -> TokenBatch<'m> {
        TokenBatch {
            model,
            decoder: Steps::new(model),
            waiting: VecDeque::new(),
            running: vec![],
            cache: None,
            pending: Pending::default(),
            leaving: vec![],
            next_id: 0,
            in_flight: 0,
            steps: 0,
            host: HostTime::default(),
        }
    }

    /// Adds a sequence that continues `prompt`, whose tokens the model must know. `start` is what an earlier sequence
    /// with the same beginning left behind.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty prompt, senseless options, or a start that is not the prompt's.
    pub fn add(&mut self, prompt: &[u32], options: TokenOptions, start: Option<Snapshot>) -> Result<Id> {
        let cache = options.kv.cache_for(self.model, prompt, start)?;
        self.wait(prompt, options, cache, None)
    }

    /// Adds a sequence that continues `embeddings` `[1, length, features]` in place of a prompt's. Penalties see the
    /// tokens generated only.
    ///
    /// # Errors
    /// As [`TokenBatch::add`].
    pub fn add_embeddings(&mut self, embeddings: Array, options: TokenOptions) -> Result<Id> {
        match *embeddings.shape()? {
            [1, length, _] if length > 0 => {}
            ref shape => {
                return Err(Error::Invalid(format!("embeddings {shape:?} are not [1, length, features]")));
            }
        }
        let cache = options.kv.new_cache(self.model)?;
        self.wait(&[], options, cache, Some(embeddings))
    }

    fn wait(
        &mut self,
        prompt: &[u32],
        options: TokenOptions,
        cache: Cache,
        embeddings: Option<Array>,
    ) -> Result<Id> {
        options.check()?;
        if prompt.is_empty() && embeddings.is_none() {
            return Err(Error::Invalid("the prompt is empty".into()));
        }
        let id = Id(self.next_id);
        self.next_id += 1;
        let sequence = Sequence::new(id, prompt.to_vec(), options)?;
        let mut waiting = Waiting { sequence, cache, embeddings };
        let total = waiting.total()?;
        waiting.cache.expect(total as i32);
        if total >= LONG_PROMPT {
            let ahead = waiting.sequence.options.max_tokens.min(total / 8).min(MOST_RESERVED);
            waiting.cache.reserve(i32::try_from(total + ahead).unwrap_or(i32::MAX));
        }
        self.waiting.push_back(waiting);
        Ok(id)
    }

    /// Sequences whose prompt is not done.
    pub fn waiting(&self) -> usize {
        self.waiting.len()
    }

    /// Sequences that [`TokenBatch::decode`] computes tokens for.
    pub fn running(&self) -> usize {
        self.running.len() + self.leaving.len()
    }

    /// How many tokens pass in the step that is being computed, whose results the next one gives: one for each of its
    /// sequences, and those of a prompt beside.
    pub fn in_flight(&self) -> usize {
        self.in_flight
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty() && self.running() == 0
    }

    /// Bytes that the caches of all sequences take.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn cache_bytes(&self) -> Result<usize> {
        let waiting = self.waiting.iter().map(|waiting| &waiting.cache);
        let leaving = self.leaving.iter().map(|(_, cache)| cache);
        self.cache.iter().chain(waiting).chain(leaving).map(Cache::nbytes).sum()
    }

    /// Where the time of this thread went so far.
    pub fn host_time(&self) -> HostTime {
        self.host
    }

    /// Runs one chunk of the prompt that has waited longest; `None` if none waits. A chunk is evaluated when this returns.
    ///
    /// # Errors
    /// [`Error::Mlx`]; the batch is empty then.
    pub fn prefill(&mut self) -> Result<Option<Prefilled>> {
        self.prefill_at_most(usize::MAX)
    }

    /// [`TokenBatch::prefill`] of a chunk of at most `tokens` tokens.
    ///
    /// # Errors
    /// As [`TokenBatch::prefill`].
    pub fn prefill_at_most(&mut self, tokens: usize) -> Result<Option<Prefilled>> {
        let Some(waiting) = self.waiting.pop_front() else { return Ok(None) };
        let result = self.prefill_chunk(waiting, tokens);
        if result.is_err() {
            self.clear();
        }
        result.map(Some)
    }

    fn prefill_chunk(&mut self, mut waiting: Waiting, most: usize) -> Result<Prefilled> {
        let (done, total) = (waiting.done(), waiting.total()?);
        let end = waiting.next_stop(most.min(waiting.sequence.options.prefill_step), total);
        if end > done {
            // Only the cache is evaluated: the scores of the prompt's tokens are never computed.
            waiting.forward(self.model, done, end)?;
            within_memory(waiting.cache.nbytes()?, || Ok(eval(waiting.cache.arrays())?))?;
            mlx::memory::clear_cache()?;
        }
        self.prefilled(waiting)
    }

    /// What a chunk has brought; the sequence waits for the next one, or becomes a row.
    fn prefilled(&mut self, waiting: Waiting) -> Result<Prefilled> {
        let (end, total) = (waiting.done(), waiting.total()?);
        let checkpoint = waiting.sequence.options.checkpoints.contains(&end);
        let checkpoint = checkpoint.then(|| Snapshot {
            tokens: waiting.sequence.history.get(..end).unwrap_or_default().to_vec(),
            cache: waiting.cache.clone(),
        });
        let prefilled = Prefilled { id: waiting.sequence.id, done: end, total, checkpoint };
        if end + 1 < total {
            self.waiting.push_front(waiting);
        } else if waiting.sequence.options.max_tokens > 0 {
            self.join(waiting, end)?;
        }
        Ok(prefilled)
    }

    /// Makes a sequence whose prompt has run a row; its last token is yet to run.
    fn join(&mut self, mut waiting: Waiting, done: usize) -> Result<()> {
        if waiting.embeddings.is_some() {
            let logits = waiting.forward(self.model, done, done + 1)?.at((.., -1))?;
            let choice = waiting.sequence.choose(&logits)?;
            async_eval(choice.arrays().chain(waiting.cache.arrays()))?;
            self.pending.push(waiting.sequence.id, choice)?;
        }
        match &mut self.cache {
            Some(cache) => cache.push(waiting.cache)?,
            None => self.cache = Some(waiting.cache),
        }
        self.running.push(waiting.sequence);
        Ok(())
    }

    /// Computes the next token of every sequence whose prompt is done, and gives the tokens of the step before.
    ///
    /// # Errors
    /// [`Error::Mlx`]; the batch is empty then. What concerns one sequence is part of its [`Decoded`].
    pub fn decode(&mut self) -> Result<Vec<Decoded>> {
        Ok(self.decode_beside(0)?.decoded)
    }

    /// Whether [`TokenBatch::decode_beside`] can run tokens of the prompt that has waited longest: where a model attends and
    /// computes the same at all positions, and on a CPU. A GPU reads large chunks of prompts at hardly more than the price of
    /// small ones.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn can_run_beside(&self) -> Result<bool> {
        let fits = |waiting: &Waiting| waiting.embeddings.is_none() && waiting.cache.can_take_together();
        Ok(self.model.is_uniform()
            && self.waiting.front().is_some_and(fits)
            && Device::default_device()? == Device::Cpu)
    }

    /// [`TokenBatch::decode`], and with the same products up to `tokens` tokens of the prompt that has waited longest, if that
    /// [can be](TokenBatch::can_run_beside). What a step of few sequences takes, it takes for the most part to read weights:
    /// those tokens cost less in its company than alone.
    ///
    /// # Errors
    /// As [`TokenBatch::decode`].
    pub fn decode_beside(&mut self, tokens: usize) -> Result<Advanced> {
        let start = Instant::now();
        let result = self.step(tokens);
        self.host.total += start.elapsed();
        if result.is_err() {
            self.clear();
        }
        result
    }

    fn step(&mut self, beside: usize) -> Result<Advanced> {
        self.retire()?;
        self.in_flight = self.running.len();
        let pending = std::mem::take(&mut self.pending);
        let takes = beside > 0 && !self.running.is_empty() && self.can_run_beside()?;
        let mut waiting = if takes { self.waiting.pop_front() } else { None };
        let scores = match &mut waiting {
            Some(waiting) => self.forward_beside(&pending, waiting, beside)?,
            None => self.forward(&pending)?,
        };
        // Where the next token depends on the last one's value, only the scores are computed ahead.
        let looks_back = self.running.iter().any(|sequence| sequence.options.looks_back());
        let mut failures = vec![];
        match &scores {
            Some(scores) if looks_back => self.submit([&scores.logits])?,
            Some(scores) => failures = self.choose(scores)?,
            None => {}
        }
        if let Some(waiting) = &waiting {
            async_eval(waiting.cache.arrays())?;
        }
        let mut decoded = self.read(pending)?;
        if let Some(scores) = scores.filter(|_| looks_back) {
            failures = self.choose(&scores)?;
        }
        for (id, error) in failures {
            decoded.push(self.leave(id, Err(error))?);
        }
        self.steps += 1;
        self.host.steps += 1;
        if self.steps.is_multiple_of(CLEAR_POOL_EVERY) {
            mlx::memory::clear_cache()?;
        }
        let prefilled = waiting.map(|waiting| self.prefilled(waiting)).transpose()?;
        Ok(Advanced { decoded, prefilled })
    }

    /// Takes out of the rows what has no further token to compute.
    fn retire(&mut self) -> Result<()> {
        for row in (0..self.running.len()).rev() {
            let sequence = &self.running[row];
            if sequence.scheduled >= sequence.options.max_tokens {
                let leaving = self.take_row(row)?;
                self.leaving.push(leaving);
            }
        }
        Ok(())
    }

    /// The scores of the next tokens.
    fn forward(&mut self, pending: &Pending) -> Result<Option<Scores>> {
        let Some(cache) = self.cache.as_mut().filter(|_| !self.running.is_empty()) else { return Ok(None) };
        let start = Instant::now();
        let tokens = pending.next_inputs(&self.running)?;
        let logits = self.decoder.forward(&tokens, cache)?;
        self.host.forward += start.elapsed();
        let owners = self.running.iter().map(|sequence| sequence.id).collect();
        Ok(Some(Scores { logits, owners }))
    }

    /// The scores of the next tokens, of the same products as up to `most` tokens of a prompt.
    fn forward_beside(
        &mut self,
        pending: &Pending,
        waiting: &mut Waiting,
        most: usize,
    ) -> Result<Option<Scores>> {
        let (from, total) = (waiting.done(), waiting.total()?);
        let to = waiting.next_stop(most, total);
        let Some(cache) = self.cache.as_mut().filter(|_| to > from) else { return self.forward(pending) };
        let start = Instant::now();
        // The steps that were captured are of these rows alone.
        self.decoder.reset()?;
        let (rows, count) = (self.running.len(), (to - from) as i32);
        self.in_flight += to - from;
        let prompt = Array::from_slice(&waiting.sequence.history[from..to], &[count, 1]);
        let tokens = concatenate(&[pending.next_inputs(&self.running)?, prompt], 0)?;
        cache.push(std::mem::replace(&mut waiting.cache, Cache::new(vec![])))?;
        cache.take_together(count);
        let features = self.model.features(&tokens, cache)?;
        cache.take_together(1);
        waiting.cache = cache.remove(rows)?;
        let logits = self.model.head(&features.at((..rows as i32,))?)?.at((.., -1))?;
        self.host.forward += start.elapsed();
        let owners = self.running.iter().map(|sequence| sequence.id).collect();
        Ok(Some(Scores { logits, owners }))
    }

    /// Starts what has been recorded.
    fn submit<'a>(&mut self, arrays: impl IntoIterator<Item = &'a Array>) -> Result<()> {
        let start = Instant::now();
        let mut all: Vec<&Array> = arrays.into_iter().collect();
        all.extend(self.cache.iter().flat_map(Cache::arrays));
        async_eval(all)?;
        self.host.forward += start.elapsed();
        Ok(())
    }

    /// Chooses the next token of each row that is still here; gives those where that failed.
    fn choose(&mut self, Scores { logits, owners }: &Scores) -> Result<Vec<(Id, Error)>> {
        let mut failures = vec![];
        let mut pending = Pending::default();
        if self.running.len() == owners.len() && self.running.iter().all(Sequence::is_plain) {
            pending = Pending {
                tokens: Some(logits.argmax(-1)?),
                readable: None,
                owners: owners.clone(),
                scored: owners.iter().map(|_| None).collect(),
            };
            self.running.iter_mut().for_each(|sequence| sequence.scheduled += 1);
        } else {
            for (row, owner) in (0..).zip(owners) {
                let sequence = self.running.iter_mut().find(|sequence| sequence.id == *owner);
                let Some(sequence) = sequence else { continue };
                match sequence.choose(&logits.at((row..row + 1,))?) {
                    Ok(choice) => pending.push(*owner, choice)?,
                    Err(error) => failures.push((*owner, error)),
                }
            }
        }
        pending.readable = pending.tokens.as_ref().map(|tokens| tokens.astype(Dtype::I32)).transpose()?;
        self.submit(pending.arrays())?;
        self.pending = pending;
        Ok(failures)
    }

    /// Waits for the tokens `pending` and hands them out.
    fn read(&mut self, pending: Pending) -> Result<Vec<Decoded>> {
        let start = Instant::now();
        let tokens = match (&pending.readable, &pending.tokens) {
            (Some(tokens), _) => tokens.to_vec::<i32>()?.into_iter().map(i32::cast_unsigned).collect(),
            (None, Some(tokens)) => tokens.to_vec::<u32>()?,
            (None, None) => return Ok(vec![]),
        };
        self.host.wait += start.elapsed();
        let mut decoded = vec![];
        for ((token, owner), scored) in tokens.into_iter().zip(pending.owners).zip(pending.scored) {
            let mut sequences = self.running.iter_mut().chain(self.leaving.iter_mut().map(|(s, _)| s));
            let Some(sequence) = sequences.find(|sequence| sequence.id == owner) else { continue };
            let token = sequence.accept(token, scored);
            decoded.push(match token {
                Ok(Token { finish: None, .. }) => Decoded { id: owner, token, snapshot: None },
                _ => self.leave(owner, token)?,
            });
        }
        Ok(decoded)
    }

    /// Ends a sequence.
    fn leave(&mut self, id: Id, token: Result<Token>) -> Result<Decoded> {
        let keeps = |sequence: &Sequence| sequence.options.keep_cache && sequence.prompt > 0;
        let snapshot = match self.take(id)? {
            Some((sequence, cache)) if keeps(&sequence) => Some(Snapshot::of(&sequence, cache)),
            _ => None,
        };
        Ok(Decoded { id, token, snapshot })
    }

    fn take(&mut self, id: Id) -> Result<Option<(Sequence, Cache)>> {
        if let Some(row) = self.running.iter().position(|sequence| sequence.id == id) {
            return self.take_row(row).map(Some);
        }
        if let Some(index) = self.leaving.iter().position(|(sequence, _)| sequence.id == id) {
            return Ok(Some(self.leaving.remove(index)));
        }
        let index = self.waiting.iter().position(|waiting| waiting.sequence.id == id);
        let waiting = index.and_then(|index| self.waiting.remove(index));
        Ok(waiting.map(|waiting| (waiting.sequence, waiting.cache)))
    }

    fn take_row(&mut self, row: usize) -> Result<(Sequence, Cache)> {
        let sequence = self.running.remove(row);
        self.decoder.reset()?;
        if self.running.is_empty() {
            let cache = self.cache.take().ok_or_else(|| Error::Invalid("the batch lost its cache".into()))?;
            return Ok((sequence, cache));
        }
        match &mut self.cache {
            Some(cache) => Ok((sequence, cache.remove(row)?)),
            None => Err(Error::Invalid("the batch lost its cache".into())),
        }
    }

    /// Ends a sequence early and gives what it leaves behind; `None` if it has left already.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn remove(&mut self, id: Id) -> Result<Option<Snapshot>> {
        Ok(self.take(id)?.map(|(sequence, cache)| Snapshot::of(&sequence, cache)))
    }

    /// A snapshot of a sequence that goes on; `None` if it has left.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn snapshot(&self, id: Id) -> Result<Option<Snapshot>> {
        let row = self.running.iter().position(|sequence| sequence.id == id);
        if let (Some(row), Some(cache)) = (row, &self.cache) {
            return Ok(Some(Snapshot::of(&self.running[row], cache.row(row)?)));
        }
        let waiting = self.waiting.iter().find(|waiting| waiting.sequence.id == id);
        Ok(waiting.map(|waiting| Snapshot::of(&waiting.sequence, waiting.cache.clone())))
    }

    /// Removes all sequences.
    pub fn clear(&mut self) {
        self.waiting.clear();
        self.running.clear();
        self.leaving.clear();
        self.in_flight = 0;
        self.cache = None;
        // What is let go of here cannot fail again.
        let _ = self.decoder.reset();
        self.pending = Pending::default();
    }
}

/// Runs `f`, which evaluates a chunk of a prompt behind a cache of so many bytes. Where these are many it lets MLX not run so far
/// ahead that what each layer makes of them, which on a GPU may be a copy, is in memory for all layers at once.
fn within_memory<T>(cache: usize, f: impl FnOnce() -> Result<T>) -> Result<T> {
    const MANY: usize = 1 << 30;
    const AHEAD: usize = 1 << 28;
    if cache < MANY || Device::default_device()? != Device::Gpu {
        return f();
    }
    let limit = memory::set_memory_limit(memory::active()?.saturating_add(AHEAD))?;
    let result = f();
    memory::set_memory_limit(limit)?;
    result
}

impl Waiting {
    fn total(&self) -> Result<usize> {
        match &self.embeddings {
            Some(embeddings) => Ok(embeddings.dim(1)? as usize),
            None => Ok(self.sequence.history.len()),
        }
    }

    /// Tokens that have passed.
    fn done(&self) -> usize {
        self.cache.offset().max() as usize
    }

    /// Where a chunk of up to `most` tokens ends: at the next checkpoint, or before the last token.
    fn next_stop(&self, most: usize, total: usize) -> usize {
        let done = self.done();
        let end = done.saturating_add(most).min(total - 1);
        let checkpoints = self.sequence.options.checkpoints.iter().copied();
        checkpoints.filter(|&checkpoint| checkpoint > done && checkpoint < end).min().unwrap_or(end)
    }

    fn forward(&mut self, model: &dyn LanguageModel, from: usize, to: usize) -> Result<Array> {
        match &self.embeddings {
            Some(embeddings) => {
                let part = embeddings.at((.., from as i32..to as i32))?;
                Ok(model.forward_embeddings(&part, &mut self.cache)?)
            }
            None => {
                let part = &self.sequence.history[from..to];
                Ok(model.forward(&Array::from_slice(part, &[1, part.len() as i32]), &mut self.cache)?)
            }
        }
    }
}

impl Pending {
    fn push(&mut self, owner: Id, choice: Choice) -> Result<()> {
        self.tokens = Some(match &self.tokens {
            Some(tokens) => concatenate(&[tokens, &choice.token], 0)?,
            None => choice.token,
        });
        self.readable = None;
        self.owners.push(owner);
        self.scored.push(choice.scored);
        Ok(())
    }

    fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.tokens.iter().chain(&self.readable).chain(self.scored.iter().flatten().flat_map(Scored::arrays))
    }

    /// The inputs `[rows, 1]` of the next step: for each row the token that is being computed, or the last of its prompt.
    fn next_inputs(&self, rows: &[Sequence]) -> Result<Array> {
        if let Some(tokens) = &self.tokens
            && rows.iter().map(|row| &row.id).eq(&self.owners)
        {
            return Ok(tokens.reshape([-1, 1])?);
        }
        let input =
            |row: &Sequence| match (self.owners.iter().position(|owner| *owner == row.id), &self.tokens) {
                (Some(index), Some(tokens)) => Ok(tokens.at((index as i32..index as i32 + 1,))?),
                _ => match row.history.last() {
                    Some(last) => Ok(Array::from_slice(&[*last], &[1])),
                    None => Err(Error::Invalid("the prompt is empty".into())),
                },
            };
        let inputs = rows.iter().map(input).collect::<Result<Vec<_>>>()?;
        Ok(concatenate(&inputs, 0)?.reshape([-1, 1])?)
    }
}
