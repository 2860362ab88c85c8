//! How probable tokens were.

use mlx::{Array, Dtype, Result, axes};

/// Natural logarithms of probabilities by the model's own distribution: the softmax of its scores in `f32`, before
/// penalties, grammar, filters and temperature.
#[derive(Clone, Debug, PartialEq)]
pub struct Logprobs {
    /// Of the token that was chosen.
    pub logprob: f32,
    /// The most probable tokens, best first, each with its log-probability.
    pub top: Vec<(u32, f32)>,
}

/// [`Logprobs`] that are being computed.
pub(super) struct Scored {
    /// `[1]`.
    chosen: Array,
    /// `[top]` each, the best last.
    top: Option<(Array, Array)>,
}

/// Scores `token` `[1]` and the `top` best alternatives by `logits` `[1, vocabulary]`.
pub(super) fn score(logits: &Array, token: &Array, top: usize) -> Result<Scored> {
    let logits = logits.astype(Dtype::F32)?;
    let logprobs = &logits - logits.logsumexp(axes(-1).keep())?;
    let chosen = logprobs.take_along_axis(&token.expand_dims(0)?, -1)?.reshape([1])?;
    let vocabulary = logprobs.dim(-1)?;
    let count = i32::try_from(top).unwrap_or(i32::MAX).min(vocabulary);
    if count == 0 {
        return Ok(Scored { chosen, top: None });
    }
    let best = logprobs.argpartition(vocabulary - count, -1)?.at((.., vocabulary - count..))?;
    let values = logprobs.take_along_axis(&best, -1)?;
    let order = values.argsort(-1)?;
    let sorted = |x: &Array| x.take_along_axis(&order, -1)?.reshape([-1]);
    Ok(Scored { chosen, top: Some((sorted(&best)?.astype(Dtype::U32)?, sorted(&values)?)) })
}

impl Scored {
    pub(super) fn arrays(&self) -> impl Iterator<Item = &Array> {
        [&self.chosen].into_iter().chain(self.top.iter().flat_map(|(ids, values)| [ids, values]))
    }

    pub(super) fn read(&self) -> Result<Logprobs> {
        let top = match &self.top {
            Some((ids, values)) => {
                ids.to_vec::<u32>()?.into_iter().zip(values.to_vec::<f32>()?).rev().collect()
            }
            None => vec![],
        };
        Ok(Logprobs { logprob: self.chosen.item::<f32>()?, top })
    }
}
