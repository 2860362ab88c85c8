//! Scores that depend on what has been said.

use super::dry::Dry;
use crate::{Error, Result};
use mlx::Array;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Changes to the scores before sampling, in this order: biases, the repetition penalty, then presence, frequency and
/// DRY penalties. The default changes nothing.
///
/// Each penalty looks at so many of the last tokens, prompt included; 0 looks at all.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Penalties {
    /// Added to the scores of these tokens.
    pub logit_bias: BTreeMap<u32, f32>,
    /// Divides positive scores, and multiplies negative ones, of tokens that occurred; 1 changes nothing. Default 1
    /// ([Keskar et al., 2019](https://arxiv.org/abs/1909.05858)).
    pub repetition: f32,
    /// Default 20.
    pub repetition_context: usize,
    /// Subtracted from the scores of tokens that occurred. Default 0.
    pub presence: f32,
    /// Default 20.
    pub presence_context: usize,
    /// Subtracted from the scores of tokens as often as they occurred. Default 0.
    pub frequency: f32,
    /// Default 20.
    pub frequency_context: usize,
    /// Against repeating sequences. Default none.
    pub dry: Option<Dry>,
}

impl Default for Penalties {
    fn default() -> Penalties {
        Penalties {
            logit_bias: BTreeMap::new(),
            repetition: 1.0,
            repetition_context: 20,
            presence: 0.0,
            presence_context: 20,
            frequency: 0.0,
            frequency_context: 20,
            dry: None,
        }
    }
}

impl Penalties {
    /// Fails for values that mean nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the option and its range.
    pub fn check(&self) -> Result<()> {
        if !(self.repetition > 0.0 && self.repetition.is_finite()) {
            let text = format!("repetition-penalty is {}; it must be more than 0", self.repetition);
            return Err(Error::Invalid(text));
        }
        for (name, value) in [("presence-penalty", self.presence), ("frequency-penalty", self.frequency)] {
            if !value.is_finite() {
                return Err(Error::Invalid(format!("{name} is {value}; it must be a number")));
            }
        }
        if let Some((id, bias)) = self.logit_bias.iter().find(|(_, bias)| bias.is_nan()) {
            return Err(Error::Invalid(format!("the bias of token {id} is {bias}; it must be a number")));
        }
        self.dry.as_ref().map_or(Ok(()), Dry::check)
    }

    /// Whether the scores depend on the tokens so far.
    pub(super) fn look_back(&self) -> bool {
        self.repetition != 1.0 || self.presence != 0.0 || self.frequency != 0.0 || self.dry.is_some()
    }

    /// The scores `[1, vocabulary]` after the tokens `history`.
    pub(super) fn apply(&self, logits: &Array, history: &[u32]) -> mlx::Result<Array> {
        let vocabulary = logits.dim(-1)?;
        let mut changes = self.changes(history);
        changes.retain(|&id, _| i64::from(id) < vocabulary.into());
        if changes.is_empty() {
            return Ok(logits.clone());
        }
        let row = |values: Vec<f32>| Array::from_slice(&values, &[1, values.len() as i32]);
        let field = |f: fn(&Change) -> f32| row(changes.values().map(f).collect()).astype(logits.dtype()?);
        let ids: Vec<u32> = changes.keys().copied().collect();
        let ids = Array::from_slice(&ids, &[1, ids.len() as i32]);
        let mut scores = logits.take_along_axis(&ids, -1)?;
        if !self.logit_bias.is_empty() {
            scores += field(|change| change.bias)?;
        }
        if self.repetition != 1.0 {
            let factor = field(|change| change.factor)?;
            scores = scores.less(0.0)?.where_(&(&scores * &factor), &(&scores / &factor))?;
        }
        scores -= field(|change| change.minus)?;
        logits.put_along_axis(&ids, &scores, -1)
    }

    /// What becomes of the scores of which tokens.
    fn changes(&self, history: &[u32]) -> BTreeMap<u32, Change> {
        let mut changes: BTreeMap<u32, Change> = BTreeMap::new();
        for (&id, &bias) in &self.logit_bias {
            changes.entry(id).or_default().bias = bias;
        }
        if self.repetition != 1.0 {
            for &id in last(history, self.repetition_context) {
                changes.entry(id).or_default().factor = self.repetition;
            }
        }
        if self.frequency != 0.0 {
            for &id in last(history, self.frequency_context) {
                changes.entry(id).or_default().minus += self.frequency;
            }
        }
        if self.presence != 0.0 {
            let mut seen = std::collections::BTreeSet::new();
            for &id in last(history, self.presence_context) {
                if seen.insert(id) {
                    changes.entry(id).or_default().minus += self.presence;
                }
            }
        }
        for (id, penalty) in self.dry.iter().flat_map(|dry| dry.penalties(history)) {
            changes.entry(id).or_default().minus += penalty;
        }
        changes
    }
}

/// The last `count` tokens; all if it is 0.
pub(super) fn last(history: &[u32], count: usize) -> &[u32] {
    let start = if count == 0 { 0 } else { history.len().saturating_sub(count) };
    &history[start..]
}

/// What becomes of the score of a token.
#[derive(Clone, Copy, Debug)]
struct Change {
    bias: f32,
    factor: f32,
    minus: f32,
}

impl Default for Change {
    fn default() -> Change {
        Change { bias: 0.0, factor: 1.0, minus: 0.0 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::{Dtype, random};
    use proptest::prelude::*;

    /// The definition, token by token in f64.
    fn expected(penalties: &Penalties, logits: &[f32], history: &[u32]) -> Vec<f64> {
        let count = |id: usize, context: usize| {
            let start = if context == 0 { 0 } else { history.len().saturating_sub(context) };
            history[start..].iter().filter(|&&other| other as usize == id).count() as f64
        };
        let one = |(id, &logit): (usize, &f32)| {
            let mut x = f64::from(logit);
            x += penalties.logit_bias.get(&(id as u32)).map_or(0.0, |&bias| bias.into());
            if count(id, penalties.repetition_context) > 0.0 {
                let penalty = f64::from(penalties.repetition);
                x = if x < 0.0 { x * penalty } else { x / penalty };
            }
            if count(id, penalties.presence_context) > 0.0 {
                x -= f64::from(penalties.presence);
            }
            x - f64::from(penalties.frequency) * count(id, penalties.frequency_context)
        };
        logits.iter().enumerate().map(one).collect()
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn penalties_follow_the_definition(
            seed in 0..u64::MAX,
            history in prop::collection::vec(0..12u32, 0..40),
            contexts in prop::array::uniform3(0..30usize),
            repetition in prop_oneof![Just(1.0f32), 0.5f32..2.0],
            presence in prop_oneof![Just(0.0f32), -1.0f32..1.0],
            frequency in prop_oneof![Just(0.0f32), -1.0f32..1.0],
            logit_bias in prop::collection::btree_map(0..20u32, -3.0f32..3.0, 0..4),
        ) {
            let penalties = Penalties {
                logit_bias, repetition, presence, frequency, dry: None,
                repetition_context: contexts[0], presence_context: contexts[1], frequency_context: contexts[2],
            };
            let logits = random::normal(&[1, 12], Dtype::F32, &random::key(seed)?)?;
            let found = penalties.apply(&logits, &history)?.to_vec::<f32>()?;
            let expected = expected(&penalties, &logits.to_vec::<f32>()?, &history);
            for (found, expected) in found.iter().zip(&expected) {
                prop_assert!((f64::from(*found) - expected).abs() < 1e-4, "{found} for {expected}");
            }
        }
    }

    #[test]
    fn senseless_values_are_refused() {
        for (penalties, message) in [
            (Penalties { repetition: 0.0, ..Penalties::default() }, "repetition-penalty is 0"),
            (Penalties { presence: f32::NAN, ..Penalties::default() }, "presence-penalty is NaN"),
            (Penalties { frequency: f32::INFINITY, ..Penalties::default() }, "frequency-penalty is inf"),
            (Penalties { logit_bias: [(3, f32::NAN)].into(), ..Penalties::default() }, "token 3 is NaN"),
            (
                Penalties { dry: Some(Dry { base: 0.5, ..Dry::default() }), ..Penalties::default() },
                "dry-base",
            ),
        ] {
            assert!(penalties.check().unwrap_err().to_string().contains(message), "{message}");
        }
    }
}
