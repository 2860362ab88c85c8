//! One sequence among those that are generated together.

use super::{
    Finish, Logprobs, TokenOptions,
    grammar::Constraint,
    logprobs::{self, Scored},
};
use crate::Result;
use mlx::Array;
use std::time::Instant;

/// Names a sequence of a batch; never used twice in one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Id(pub(super) u64);

/// A token of a sequence.
#[derive(Clone, Debug, PartialEq)]
pub struct Token {
    /// The token.
    pub id: u32,
    /// How probable it was, if that was asked for.
    pub logprobs: Option<Logprobs>,
    /// Why it is the last one, if it is.
    pub finish: Option<Finish>,
}

/// Tokens known so far, and how to choose the next.
pub(super) struct Sequence {
    pub(super) id: Id,
    pub(super) options: TokenOptions,
    /// Prompt and generated tokens that are known here.
    pub(super) history: Vec<u32>,
    pub(super) prompt: usize,
    /// Generated tokens that are known or being computed.
    pub(super) scheduled: usize,
    constraint: Option<Constraint>,
    start: Instant,
}

/// A token that is being computed.
pub(super) struct Choice {
    /// `[1]`.
    pub(super) token: Array,
    pub(super) scored: Option<Scored>,
}

impl Sequence {
    pub(super) fn new(id: Id, prompt: Vec<u32>, options: TokenOptions) -> Result<Sequence> {
        let constraint = options.grammar.as_ref().map(|grammar| grammar.start()).transpose()?;
        let start = Instant::now();
        Ok(Sequence { id, prompt: prompt.len(), history: prompt, options, scheduled: 0, constraint, start })
    }

    /// Whether the next token is simply the most probable one.
    pub(super) fn is_plain(&self) -> bool {
        let options = &self.options;
        options.sampling.is_greedy()
            && options.logprobs.is_none()
            && options.penalties.logit_bias.is_empty()
            && !options.looks_back()
            && !self.is_too_short()
    }

    /// Whether none of the tokens that end the text may come now.
    fn is_too_short(&self) -> bool {
        self.scheduled < self.options.min_tokens && !self.options.stop_ids.is_empty()
    }

    /// The next token, from its scores `[1, vocabulary]`.
    pub(super) fn choose(&mut self, raw: &Array) -> Result<Choice> {
        let mut logits = self.options.penalties.apply(raw, &self.history)?;
        let unwanted = if self.is_too_short() { &self.options.stop_ids[..] } else { &[] };
        logits = match &mut self.constraint {
            Some(constraint) => constraint.mask(&logits, unwanted)?,
            None => exclude(&logits, unwanted)?,
        };
        let token = self.options.sampling.sample(&logits, self.scheduled, &self.options.protected)?;
        let scored = self.options.logprobs.map(|top| logprobs::score(raw, &token, top)).transpose()?;
        self.scheduled += 1;
        Ok(Choice { token, scored })
    }

    /// Goes on as if `id` were the next token; false if the grammar rules it out.
    pub(super) fn suppose(&mut self, id: u32) -> Result<bool> {
        if let Some(constraint) = &mut self.constraint
            && !constraint.suppose(id)?
        {
            return Ok(false);
        }
        self.history.push(id);
        Ok(true)
    }

    /// Takes back the last `count` tokens that were supposed.
    pub(super) fn take_back(&mut self, count: usize) -> Result<()> {
        self.history.truncate(self.history.len() - count);
        self.constraint.as_mut().map_or(Ok(()), |constraint| constraint.take_back(count))
    }

    /// Takes note of a token that has been computed.
    pub(super) fn accept(&mut self, id: u32, scored: Option<Scored>) -> Result<Token> {
        self.history.push(id);
        let logprobs = scored.map(|scored| scored.read()).transpose()?;
        let stops = self.options.stop_ids.contains(&id);
        let complete = match &mut self.constraint {
            Some(constraint) => constraint.accept(id)?,
            None => false,
        };
        let finish = if stops || complete {
            Some(Finish::Stop)
        } else if self.history.len() - self.prompt >= self.options.max_tokens {
            Some(Finish::Length)
        } else if self.options.time_limit.is_some_and(|limit| self.start.elapsed() >= limit) {
            Some(Finish::Time)
        } else {
            None
        };
        Ok(Token { id, logprobs, finish })
    }
}

impl Choice {
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array> {
        [&self.token].into_iter().chain(self.scored.iter().flat_map(Scored::arrays))
    }
}

fn exclude(logits: &Array, ids: &[u32]) -> mlx::Result<Array> {
    let vocabulary = logits.dim(-1)?;
    let ids: Vec<u32> = ids.iter().copied().filter(|&id| i64::from(id) < vocabulary.into()).collect();
    if ids.is_empty() {
        return Ok(logits.clone());
    }
    let ids = Array::from_slice(&ids, &[1, ids.len() as i32]);
    let never = mlx::full(ids.shape()?, f32::NEG_INFINITY, logits.dtype()?);
    logits.put_along_axis(&ids, &never, -1)
}
