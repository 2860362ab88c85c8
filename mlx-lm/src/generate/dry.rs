//! "Don't repeat yourself": a penalty that grows with the length of what a token would repeat
//! ([p-e-w, 2024](https://github.com/oobabooga/text-generation-webui/pull/5677)).

use super::penalties::last;
use crate::{Error, Result};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A token that would continue a repetition of `n ≥ allowed_length` tokens loses
/// `multiplier · base ^ (n - allowed_length)`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dry {
    /// Default 0.8.
    pub multiplier: f32,
    /// Default 1.75.
    pub base: f32,
    /// Repetitions shorter than this are free. Default 2.
    pub allowed_length: usize,
    /// How many of the last tokens count; 0 counts all. Default 0.
    pub context: usize,
    /// Tokens over which no repetition reaches: the ends of lines and sentences.
    pub breakers: Vec<u32>,
}

impl Default for Dry {
    fn default() -> Dry {
        Dry { multiplier: 0.8, base: 1.75, allowed_length: 2, context: 0, breakers: vec![] }
    }
}

impl Dry {
    /// Pieces of text whose tokens are usual breakers.
    pub const BREAKERS: [&str; 4] = ["\n", ":", "\"", "*"];

    pub(super) fn check(&self) -> Result<()> {
        if !(self.base >= 1.0 && self.base.is_finite()) {
            return Err(Error::Invalid(format!("dry-base is {}; it must be 1 or more", self.base)));
        }
        if !(self.multiplier >= 0.0 && self.multiplier.is_finite()) {
            let text = format!("dry-multiplier is {}; it must be 0 or more", self.multiplier);
            return Err(Error::Invalid(text));
        }
        Ok(())
    }

    /// What each token that would continue a repetition loses.
    pub(super) fn penalties(&self, history: &[u32]) -> BTreeMap<u32, f32> {
        let history = last(history, self.context);
        let reversed: Vec<u32> = history.iter().rev().copied().collect();
        let most = reversed.iter().position(|id| self.breakers.contains(id)).unwrap_or(reversed.len());
        let mut lengths: BTreeMap<u32, usize> = BTreeMap::new();
        for (i, &length) in common_prefixes(&reversed).iter().enumerate().skip(1) {
            let length = length.min(most);
            if length >= self.allowed_length.max(1) {
                let longest = lengths.entry(reversed[i - 1]).or_default();
                *longest = length.max(*longest);
            }
        }
        let penalty = |length: usize| {
            let growth = self.base.powf((length - self.allowed_length) as f32);
            (self.multiplier * growth).min(1e6)
        };
        lengths.into_iter().map(|(id, length)| (id, penalty(length))).collect()
    }
}

/// For each index, how many elements from there on agree with those from the start on (the Z-algorithm).
fn common_prefixes(x: &[u32]) -> Vec<usize> {
    let mut z = vec![0; x.len()];
    let (mut start, mut end) = (0, 0);
    for i in 1..x.len() {
        let mut length = if i < end { z[i - start].min(end - i) } else { 0 };
        while i + length < x.len() && x[length] == x[i + length] {
            length += 1;
        }
        if i + length > end {
            (start, end) = (i, i + length);
        }
        z[i] = length;
    }
    z
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// For each token: the longest end of `history` that occurred before, followed by the token.
    fn naive(dry: &Dry, history: &[u32]) -> BTreeMap<u32, f32> {
        let mut found = BTreeMap::new();
        for next in 1..history.len() {
            let matches = |n: usize| {
                n <= next && n < history.len() && {
                    let end = &history[history.len() - n..];
                    history[next - n..next] == *end && end.iter().all(|id| !dry.breakers.contains(id))
                }
            };
            let n = (1..=next).take_while(|&n| matches(n)).last().unwrap_or(0);
            if n >= dry.allowed_length.max(1) {
                let penalty = dry.multiplier * dry.base.powf((n - dry.allowed_length) as f32);
                let old = found.entry(history[next]).or_insert(0f32);
                *old = old.max(penalty.min(1e6));
            }
        }
        found
    }

    proptest! {
        #[test]
        fn repetitions_are_found(
            history in prop::collection::vec(0..4u32, 0..40),
            allowed_length in 0..4usize,
            breakers in prop::collection::vec(0..4u32, 0..2),
        ) {
            let dry = Dry { allowed_length, breakers, ..Dry::default() };
            prop_assert_eq!(dry.penalties(&history), naive(&dry, &history));
        }
    }

    #[test]
    fn a_long_history_takes_no_time() {
        // Comparing each position with the end token by token would be 5e11 comparisons.
        let history = vec![7; 1_000_000];
        let start = std::time::Instant::now();
        assert_eq!(Dry::default().penalties(&history).len(), 1);
        assert!(start.elapsed().as_secs() < 60);
    }
}
