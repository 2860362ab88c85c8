//! The token loop for a single sequence, without text.

use super::{TokenBatch, TokenOptions};
use crate::{Result, models::LanguageModel};
use std::collections::VecDeque;

/// Generates token ids. Dropping it stops the work.
pub struct Tokens<'m> {
    batch: TokenBatch<'m>,
    known: VecDeque<u32>,
}

impl<'m> Tokens<'m> {
    /// A loop over `model` after `prompt`, whose tokens the model must know.
    ///
    /// # Errors
    /// [`Error::Invalid`](crate::Error::Invalid) for an empty prompt or senseless options.
    pub fn new(model: &'m dyn LanguageModel, prompt: &[u32], options: TokenOptions) -> Result<Tokens<'m>> {
        let mut batch = TokenBatch::new(model);
        batch.add(prompt, options, None)?;
        Ok(Tokens { batch, known: VecDeque::new() })
    }

    /// Runs the prompt through the model, all but its last token; `next` does it when this was not called.
    ///
    /// # Errors
    /// [`Error::Mlx`](crate::Error::Mlx).
    pub fn prefill(&mut self) -> Result<()> {
        while self.batch.prefill()?.is_some() {}
        Ok(())
    }

    fn step(&mut self) -> Result<Option<u32>> {
        self.prefill()?;
        while self.known.is_empty() && !self.batch.is_empty() {
            for decoded in self.batch.decode()? {
                self.known.push_back(decoded.token?.id);
            }
        }
        Ok(self.known.pop_front())
    }
}

impl Iterator for Tokens<'_> {
    type Item = Result<u32>;

    fn next(&mut self) -> Option<Result<u32>> {
        self.step().transpose()
    }
}

impl std::iter::FusedIterator for Tokens<'_> {}
