//! Where a sequence stands, to continue from.

use super::sequence::Sequence;
use crate::{Cache, Error, Result};

/// What the tokens of a sequence have left behind, to continue from.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The tokens that have passed.
    pub tokens: Vec<u32>,
    /// What the model kept of them.
    pub cache: Cache,
}

impl Snapshot {
    pub(super) fn of(sequence: &Sequence, cache: Cache) -> Snapshot {
        let passed = (cache.offset().max() as usize).min(sequence.history.len());
        Snapshot { tokens: sequence.history[..passed].to_vec(), cache }
    }

    /// The cache for a prompt that begins with these tokens, of which it leaves at least one to run.
    pub(super) fn for_prompt(mut self, prompt: &[u32]) -> Result<Cache> {
        let shared = self.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count();
        if shared < self.tokens.len().min(prompt.len()) {
            let text = format!("the cache holds other tokens than the prompt from position {shared} on");
            return Err(Error::Invalid(text));
        }
        let spare = (self.tokens.len() + 1).saturating_sub(prompt.len());
        self.cache.trim(i32::try_from(spare).unwrap_or(i32::MAX))?;
        Ok(self.cache)
    }
}
