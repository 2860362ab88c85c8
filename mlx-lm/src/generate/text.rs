//! Generation as text: pieces that never split a character, stop strings, statistics.

use super::{Sampling, TokenOptions, Tokens};
use crate::{Detokenizer, Error, Lm, Result, StopStrings};
use std::time::{Duration, Instant};

/// What to continue.
#[derive(Clone, Debug)]
pub enum Prompt {
    /// Text; the tokenizer adds its special tokens.
    Text(String),
    /// Token ids, used as they are.
    Tokens(Vec<u32>),
}

impl From<&str> for Prompt {
    fn from(text: &str) -> Prompt {
        Prompt::Text(text.to_owned())
    }
}

impl From<String> for Prompt {
    fn from(text: String) -> Prompt {
        Prompt::Text(text)
    }
}

impl From<Vec<u32>> for Prompt {
    fn from(ids: Vec<u32>) -> Prompt {
        Prompt::Tokens(ids)
    }
}

impl From<&[u32]> for Prompt {
    fn from(ids: &[u32]) -> Prompt {
        Prompt::Tokens(ids.to_vec())
    }
}

/// A generation to run; iterate it to run it.
#[derive(Clone)]
pub struct Request<'m> {
    lm: &'m Lm,
    prompt: Prompt,
    options: TokenOptions,
    stop: Vec<String>,
}

impl<'m> Request<'m> {
    pub(crate) fn new(lm: &'m Lm, prompt: Prompt) -> Request<'m> {
        Request { lm, prompt, options: TokenOptions::default(), stop: vec![] }
    }

    /// The most tokens to generate. Default 256. The model's context may end it earlier.
    pub fn max_tokens(mut self, count: usize) -> Self {
        self.options.max_tokens = count;
        self
    }

    /// How tokens are chosen. Default greedy.
    pub fn sampling(mut self, sampling: Sampling) -> Self {
        self.options.sampling = sampling;
        self
    }

    /// Ends the generation where one of `strings` begins; it is not part of the text.
    pub fn stop(mut self, strings: impl IntoIterator<Item = impl Into<String>>) -> Self {
        self.stop.extend(strings.into_iter().map(Into::into));
        self
    }

    /// Prompt tokens per evaluation. Default 2048.
    pub fn prefill_step(mut self, tokens: usize) -> Self {
        self.options.prefill_step = tokens;
        self
    }

    /// Begins: encodes the prompt and checks everything, but computes nothing yet.
    ///
    /// # Errors
    /// [`Error::ContextLength`] for a prompt that leaves no room for an answer, [`Error::Invalid`] for senseless
    /// options, [`Error::Tokenizer`].
    pub fn start(self) -> Result<Generation<'m>> {
        let prompt = match self.prompt {
            Prompt::Text(text) => self.lm.tokenizer.encode(&text, true)?,
            Prompt::Tokens(ids) => ids,
        };
        let mut options = self.options;
        if let Some(limit) = self.lm.context_length() {
            if prompt.len() >= limit {
                return Err(Error::ContextLength { prompt: prompt.len(), limit });
            }
            options.max_tokens = options.max_tokens.min(limit - prompt.len());
        }
        Ok(Generation {
            tokens: Tokens::new(self.lm.model.as_ref(), &prompt, options)?,
            lm: self.lm,
            detokenizer: Detokenizer::new(&self.lm.tokenizer),
            stop: StopStrings::new(self.stop),
            max_tokens: options.max_tokens,
            clock: Clock::new(prompt.len()),
            done: false,
        })
    }

    /// Runs to the end and gives the whole text.
    ///
    /// # Errors
    /// As [`Request::start`], and [`Error::Mlx`].
    pub fn text(self) -> Result<String> {
        self.start()?.map(|piece| piece.map(|piece| piece.text)).collect()
    }
}

impl<'m> IntoIterator for Request<'m> {
    type Item = Result<Piece>;
    type IntoIter = Pieces<'m>;

    fn into_iter(self) -> Pieces<'m> {
        Pieces(self.start().map_err(Some))
    }
}

/// The pieces of a [`Request`]; if it cannot start, the reason is the only item.
pub struct Pieces<'m>(Result<Generation<'m>, Option<Error>>);

impl Iterator for Pieces<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        match &mut self.0 {
            Ok(generation) => generation.next(),
            Err(error) => error.take().map(Err),
        }
    }
}

impl std::iter::FusedIterator for Pieces<'_> {}

/// One token and the text it completes.
#[derive(Clone, Debug, PartialEq)]
pub struct Piece {
    /// The token.
    pub id: u32,
    /// What can be shown now; empty while a character is incomplete or could still become a stop string.
    pub text: String,
    /// Why this is the last piece, if it is.
    pub finish: Option<Finish>,
}

/// Why a generation ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// The model ended its text, or a stop string came.
    Stop,
    /// The limit of tokens, or the model's context, was reached.
    Length,
}

/// A running generation. Dropping it stops the work.
pub struct Generation<'m> {
    lm: &'m Lm,
    tokens: Tokens<'m>,
    detokenizer: Detokenizer<'m>,
    stop: StopStrings,
    max_tokens: usize,
    clock: Clock,
    done: bool,
}

impl Generation<'_> {
    /// Counts and times so far.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn stats(&self) -> Result<Stats> {
        Ok(Stats { peak_memory: mlx::memory::peak()?, ..self.clock.stats })
    }

    fn piece(&mut self, id: u32) -> Result<Piece> {
        self.clock.tick();
        if self.lm.tokenizer.eos_ids().contains(&id) {
            return self.last(id, String::new(), Finish::Stop);
        }
        let text = self.detokenizer.push(id)?;
        let held = self.stop.push(&text);
        if held.stopped {
            self.done = true;
            return Ok(Piece { id, text: held.text, finish: Some(Finish::Stop) });
        }
        if self.clock.stats.generated_tokens >= self.max_tokens {
            return self.last(id, held.text, Finish::Length);
        }
        Ok(Piece { id, text: held.text, finish: None })
    }

    /// The last piece, with all text that was held back.
    fn last(&mut self, id: u32, mut text: String, finish: Finish) -> Result<Piece> {
        self.done = true;
        let rest = self.detokenizer.finish()?;
        let held = self.stop.push(&rest);
        text.push_str(&held.text);
        if held.stopped {
            return Ok(Piece { id, text, finish: Some(Finish::Stop) });
        }
        text.push_str(&self.stop.finish());
        Ok(Piece { id, text, finish: Some(finish) })
    }
}

impl Iterator for Generation<'_> {
    type Item = Result<Piece>;

    fn next(&mut self) -> Option<Result<Piece>> {
        if self.done {
            return None;
        }
        let item = self.tokens.next().map(|id| id.and_then(|id| self.piece(id)));
        self.done |= !matches!(item, Some(Ok(_)));
        item
    }
}

impl std::iter::FusedIterator for Generation<'_> {}

/// Counts and times of a generation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Stats {
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Tokens generated, the one that ends the text included.
    pub generated_tokens: usize,
    /// From the start to the first token.
    pub time_to_first_token: Duration,
    /// From the first token to the last one so far.
    pub generation_time: Duration,
    /// The most bytes MLX held at once since the program began.
    pub peak_memory: usize,
}

impl Stats {
    /// Prompt tokens per second, until the first token.
    pub fn prompt_tps(&self) -> f64 {
        per_second(self.prompt_tokens, self.time_to_first_token)
    }

    /// Generated tokens per second, from the first token on.
    pub fn generation_tps(&self) -> f64 {
        per_second(self.generated_tokens.saturating_sub(1), self.generation_time)
    }
}

fn per_second(count: usize, time: Duration) -> f64 {
    if time.is_zero() { 0.0 } else { count as f64 / time.as_secs_f64() }
}

struct Clock {
    start: Instant,
    stats: Stats,
}

impl Clock {
    fn new(prompt_tokens: usize) -> Clock {
        Clock { start: Instant::now(), stats: Stats { prompt_tokens, ..Stats::default() } }
    }

    fn tick(&mut self) {
        let elapsed = self.start.elapsed();
        match self.stats.generated_tokens {
            0 => self.stats.time_to_first_token = elapsed,
            _ => self.stats.generation_time = elapsed.saturating_sub(self.stats.time_to_first_token),
        }
        self.stats.generated_tokens += 1;
    }
}
