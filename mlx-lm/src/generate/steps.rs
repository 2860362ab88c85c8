//! Steps of decoding, each of which computes the same with other tokens.

use crate::{Cache, models::LanguageModel};
use mlx::{
    Array, Result,
    cuda::{Places, Replay},
};

/// The scores of the tokens that come next, step after step. Where the device can launch a step as a whole, those that
/// follow the first two of the same sequences are not recorded any more.
pub(crate) struct Steps<'m> {
    model: &'m dyn LanguageModel,
    replay: Option<Replay>,
    /// Whether `replay` holds on to anything.
    in_use: bool,
}

impl<'m> Steps<'m> {
    pub(crate) fn new(model: &'m dyn LanguageModel) -> Steps<'m> {
        // Without it, each step is recorded.
        let replay = if model.is_uniform() { Replay::new().ok().flatten() } else { None };
        Steps { model, replay, in_use: false }
    }

    /// The scores `[rows, vocabulary]` of the tokens behind `tokens` `[rows, 1]`, which follow those in `cache`.
    pub(crate) fn forward(&mut self, tokens: &Array, cache: &mut Cache) -> Result<Array> {
        let Some(replay) = &mut self.replay else { return record(self.model, tokens, cache) };
        let Some((mut layers, positions)) = cache.next()? else {
            self.reset()?;
            return record(self.model, tokens, cache);
        };
        if let Some(scores) = replay.launch(tokens, &mut layers, &positions)? {
            cache.advanced()?;
            return Ok(scores);
        }
        let places = Places::of(&layers, &positions);
        let scores = record(self.model, tokens, cache)?;
        self.in_use = true;
        Ok(match cache.next()? {
            Some((layers, _)) => replay.offer(&scores, tokens, &places, &layers)?.unwrap_or(scores),
            None => scores,
        })
    }

    /// Lets go of the memory of sequences that are not continued.
    pub(crate) fn reset(&mut self) -> Result<()> {
        match &mut self.replay {
            Some(replay) if std::mem::take(&mut self.in_use) => replay.reset(),
            _ => Ok(()),
        }
    }
}

fn record(model: &dyn LanguageModel, tokens: &Array, cache: &mut Cache) -> Result<Array> {
    model.forward(tokens, cache)?.at((.., -1))
}
