//! The token loop: prefill in chunks, then one step per token, scheduled ahead.

use super::Sampling;
use crate::{Cache, Error, Result, models::LanguageModel};
use mlx::{Array, async_eval, eval};

/// What a token loop needs beside model and prompt.
#[derive(Clone, Copy, Debug)]
pub struct TokenOptions {
    /// How tokens are chosen.
    pub sampling: Sampling,
    /// The most tokens to generate. Default 256.
    pub max_tokens: usize,
    /// Prompt tokens per evaluation. Default 2048.
    pub prefill_step: usize,
}

impl Default for TokenOptions {
    fn default() -> TokenOptions {
        TokenOptions { sampling: Sampling::default(), max_tokens: 256, prefill_step: 2048 }
    }
}

/// Generates token ids. Dropping it stops the work.
///
/// After an error it ends: what an evaluation that failed has left behind is never read.
pub struct Tokens<'m> {
    model: &'m dyn LanguageModel,
    options: TokenOptions,
    cache: Cache,
    prompt: Vec<u32>,
    prefilled: bool,
    /// The next token, being computed.
    pending: Option<Array>,
    produced: usize,
}

/// Buffers that are freed stay in MLX's pool; every so many tokens it is emptied.
const CLEAR_POOL_EVERY: usize = 256;

impl<'m> Tokens<'m> {
    /// A loop over `model` after `prompt`, whose tokens the model must know.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an empty prompt or senseless options.
    pub fn new(model: &'m dyn LanguageModel, prompt: &[u32], options: TokenOptions) -> Result<Tokens<'m>> {
        options.sampling.check()?;
        if prompt.is_empty() || options.prefill_step == 0 {
            return Err(Error::Invalid("the prompt is empty, or the prefill step zero".into()));
        }
        Ok(Tokens {
            model,
            options,
            cache: model.new_cache(),
            prompt: prompt.to_vec(),
            prefilled: false,
            pending: None,
            produced: 0,
        })
    }

    /// Runs the prompt through the model, all but its last token; `next` does it when this was not called.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn prefill(&mut self) -> Result<()> {
        if std::mem::replace(&mut self.prefilled, true) {
            return Ok(());
        }
        let prompt = std::mem::take(&mut self.prompt);
        let Some((&last, head)) = prompt.split_last() else { return Ok(()) };
        for chunk in head.chunks(self.options.prefill_step) {
            // Only the cache is evaluated: the scores of the prompt's tokens are never computed.
            self.model.forward(&batch_of_one(chunk), &mut self.cache)?;
            eval(self.cache.arrays())?;
            mlx::memory::clear_cache()?;
        }
        if self.options.max_tokens > 0 {
            let first = self.build(&batch_of_one(&[last]))?;
            self.submit(&first)?;
            self.pending = Some(first);
        }
        Ok(())
    }

    /// The graph of one step.
    fn build(&mut self, token: &Array) -> Result<Array> {
        let logits = self.model.forward(token, &mut self.cache)?;
        Ok(self.options.sampling.sample(&logits.at((.., -1))?, self.produced)?)
    }

    /// Starts one step.
    fn submit(&self, next: &Array) -> Result<()> {
        Ok(async_eval([next].into_iter().chain(self.cache.arrays()))?)
    }

    fn step(&mut self) -> Result<Option<u32>> {
        self.prefill()?;
        let Some(current) = self.pending.take() else { return Ok(None) };
        self.produced += 1;
        if self.produced < self.options.max_tokens {
            let next = self.build(&current.reshape([1, 1])?)?;
            // Submitted before this step's token is read, so that the device never waits.
            self.submit(&next)?;
            self.pending = Some(next);
        }
        let id = current.item::<u32>()?;
        if self.produced.is_multiple_of(CLEAR_POOL_EVERY) {
            mlx::memory::clear_cache()?;
        }
        Ok(Some(id))
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<u32>;

    fn next(&mut self) -> Option<Result<u32>> {
        let item = self.step().transpose();
        if !matches!(item, Some(Ok(_))) {
            (self.pending, self.prefilled) = (None, true);
        }
        item
    }
}

impl std::iter::FusedIterator for Tokens<'_> {}

fn batch_of_one(ids: &[u32]) -> Array {
    Array::from_slice(ids, &[1, ids.len() as i32])
}
