//! Who guesses the next tokens in speculative decoding.

use super::Sampling;
use crate::{Cache, Result, models::LanguageModel};
use mlx::{Array, async_eval, eval};

/// Who guesses, and how many tokens at a time.
#[derive(Clone, Copy)]
pub enum Draft<'m> {
    /// A smaller model with the same tokens.
    Model {
        /// The model.
        model: &'m dyn LanguageModel,
        /// Guesses per round, 1 to 32.
        count: usize,
    },
    /// The text so far: what followed when the last tokens occurred before
    /// ([Saxena, 2023](https://github.com/apoorvumang/prompt-lookup-decoding)).
    Lookup {
        /// Guesses per round, 1 to 32.
        count: usize,
    },
}

impl Draft<'_> {
    pub(super) fn count(&self) -> usize {
        match self {
            Draft::Model { count, .. } | Draft::Lookup { count } => *count,
        }
    }
}

/// A [`Draft`] at work.
pub(super) enum Drafter<'m> {
    Model { model: &'m dyn LanguageModel, cache: Cache },
    Lookup,
}

/// Guesses, which may still be being computed.
pub(super) enum Guesses {
    Computed(Vec<Array>),
    Known(Vec<u32>),
}

/// The longest run of last tokens that is looked up.
const LONGEST: usize = 4;

/// Tokens of the text that a draft model runs at once.
const CHUNK: usize = 512;

impl<'m> Drafter<'m> {
    pub(super) fn new(draft: Draft<'m>) -> Result<Drafter<'m>> {
        match draft {
            Draft::Model { model, .. } => {
                let cache = model.new_cache();
                if !cache.is_trimmable() {
                    return Err(crate::Error::Invalid(
                        "the draft model has recurrent layers, which cannot take guesses back".into(),
                    ));
                }
                Ok(Drafter::Model { model, cache })
            }
            Draft::Lookup { .. } => Ok(Drafter::Lookup),
        }
    }

    /// Up to `count` tokens that may follow `history`; `step` counts the draws so far.
    pub(super) fn guess(
        &mut self,
        history: &[u32],
        count: usize,
        sampling: Sampling,
        step: usize,
        protected: &[u32],
    ) -> Result<Guesses> {
        match self {
            Drafter::Lookup => Ok(Guesses::Known(lookup(history, count).to_vec())),
            Drafter::Model { .. } if count == 0 => Ok(Guesses::Known(vec![])),
            Drafter::Model { model, cache } => {
                catch_up(*model, cache, history)?;
                let last = &history[history.len() - 1..];
                let mut input = Array::from_slice(last, &[1]);
                let mut guesses = vec![];
                for i in 0..count {
                    let logits = model.forward(&input.reshape([1, 1])?, cache)?.at((.., -1))?;
                    // The random numbers that the model will draw with: what is likely for both is the same.
                    input = sampling.sample(&logits, step + i, protected)?;
                    guesses.push(input.clone());
                }
                async_eval(guesses.iter().chain(cache.arrays()))?;
                Ok(Guesses::Computed(guesses))
            }
        }
    }
}

/// Brings the draft's cache to all of `history` but its last token: some of its guesses were right, and stay.
fn catch_up(model: &dyn LanguageModel, cache: &mut Cache, history: &[u32]) -> Result<()> {
    let done = cache.offset().max() as usize;
    let wanted = history.len() - 1;
    if done > wanted {
        cache.trim((done - wanted) as i32)?;
        return Ok(());
    }
    cache.expect(history.len() as i32);
    for chunk in history[done..wanted].chunks(CHUNK) {
        model.forward(&Array::from_slice(chunk, &[1, chunk.len() as i32]), cache)?;
        if chunk.len() > 1 {
            eval(cache.arrays())?;
        }
    }
    Ok(())
}

/// What followed the last occurrence of the last tokens; the longest run of them counts.
fn lookup(history: &[u32], count: usize) -> &[u32] {
    for length in (1..=LONGEST.min(history.len().saturating_sub(1))).rev() {
        let (before, end) = history.split_at(history.len() - length);
        let mut starts = (0..before.len()).rev();
        if let Some(start) = starts.find(|&start| history[start..start + length] == *end) {
            let next = start + length;
            return &history[next..(next + count).min(history.len())];
        }
    }
    &[]
}

impl Guesses {
    pub(super) fn arrays(&self) -> Vec<Array> {
        match self {
            Guesses::Computed(guesses) => guesses.clone(),
            Guesses::Known(ids) if ids.is_empty() => vec![],
            Guesses::Known(ids) => vec![Array::from_slice(ids, &[ids.len() as i32])],
        }
    }

    pub(super) fn read(&self) -> Result<Vec<u32>> {
        match self {
            Guesses::Computed(guesses) => {
                Ok(guesses.iter().map(Array::item::<u32>).collect::<mlx::Result<_>>()?)
            }
            Guesses::Known(ids) => Ok(ids.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::lookup;

    #[test]
    fn the_longest_run_is_looked_up() {
        for (history, count, expected) in [
            (&[1, 2, 3, 9, 2, 3, 7, 1, 2, 3][..], 2, &[9, 2][..]),
            (&[5, 6, 5, 7, 5], 3, &[7, 5]),
            (&[1, 2, 3], 3, &[]),
            (&[4, 4], 3, &[4]),
            (&[4], 3, &[]),
        ] {
            assert_eq!(lookup(history, count), expected, "{history:?}");
        }
    }
}
