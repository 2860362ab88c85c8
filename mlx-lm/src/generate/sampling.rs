//! Choosing the next token, on the device.

use crate::{Error, Result};
use mlx::{Array, Operand, random};
use serde::{Deserialize, Serialize};

/// How tokens are chosen. The default is greedy: always the most probable one.
///
/// With a temperature the filters apply in the order top-p, min-p, top-k to the probabilities *before* temperature,
/// as in Python mlx-lm; then one token is drawn at the temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// Divides the scores; 0 is greedy. Default 0.
    pub temperature: f32,
    /// Keeps the most probable tokens that together reach this probability; 1 keeps all. Default 1.
    pub top_p: f32,
    /// Keeps tokens at least this times as probable as the most probable one; 0 keeps all. Default 0.
    pub min_p: f32,
    /// Keeps this many of the most probable tokens; 0 keeps all. Default 0.
    pub top_k: u32,
    /// Makes draws repeatable. Default 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling { temperature: 0.0, top_p: 1.0, min_p: 0.0, top_k: 0, seed: 0 }
    }
}

impl Sampling {
    /// Fails for values that mean nothing.
    ///
    /// # Errors
    /// [`Error::Invalid`] naming the option and its range.
    pub fn check(&self) -> Result<()> {
        let ranges = [
            ("temperature", self.temperature, f32::MAX),
            ("top-p", self.top_p, 1.0),
            ("min-p", self.min_p, 1.0),
        ];
        for (name, value, most) in ranges {
            if !(0.0..=most).contains(&value) {
                let range = if most > 1.0 { "0 or more".to_owned() } else { format!("from 0 to {most}") };
                return Err(Error::Invalid(format!("{name} is {value}; it must be {range}")));
            }
        }
        Ok(())
    }

    /// The token `[batch]` (`U32`) that follows, given its scores `[batch, vocabulary]`; `step` counts the draws.
    pub(super) fn sample(&self, logits: &Array, step: usize) -> mlx::Result<Array> {
        if self.temperature == 0.0 {
            return logits.argmax(-1);
        }
        let mut logprobs = logits - logits.logsumexp(mlx::axes(-1).keep())?;
        if self.top_p > 0.0 && self.top_p < 1.0 {
            logprobs = top_p(&logprobs, self.top_p)?;
        }
        if self.min_p > 0.0 {
            let least = logprobs.max(mlx::axes(-1).keep())? + self.min_p.ln();
            logprobs = keep_from(&logprobs, &least)?;
        }
        let vocabulary = logprobs.dim(-1)?;
        if self.top_k > 0 && (self.top_k as i64) < i64::from(vocabulary) {
            let sorted = logprobs.sort(-1)?;
            let least =
                sorted.at((.., vocabulary - self.top_k as i32..vocabulary - self.top_k as i32 + 1))?;
            logprobs = keep_from(&logprobs, &least)?;
        }
        random::categorical(&(logprobs / self.temperature), -1, &self.key(step)?)
    }

    /// A key per draw. Mixed, because the keys of neighbouring seeds would share draws at neighbouring steps.
    fn key(&self, step: usize) -> mlx::Result<Array> {
        random::key(splitmix64(self.seed ^ splitmix64(step as u64)))
    }
}

/// Everything below `least` becomes impossible.
fn keep_from(logprobs: &Array, least: impl Operand) -> mlx::Result<Array> {
    logprobs.less(least)?.where_(f32::NEG_INFINITY, logprobs)
}

/// Keeps the tokens before which, in order of probability, less than `p` of the whole has been counted.
fn top_p(logprobs: &Array, p: f32) -> mlx::Result<Array> {
    let sorted = logprobs.sort(-1)?;
    let probabilities = sorted.astype(mlx::Dtype::F32)?.exp()?;
    let up_to = probabilities.cumsum(-1)?;
    let total = up_to.at((.., -1..))?;
    let above = &total - up_to;
    let dropped = above.greater_equal(total * p)?.sum(mlx::axes(-1).keep())?;
    let least = sorted.take_along_axis(&dropped.astype(mlx::Dtype::U32)?, -1)?;
    keep_from(logprobs, &least)
}

/// Sebastiano Vigna's mixer: neighbouring inputs give unrelated outputs.
fn splitmix64(x: u64) -> u64 {
    let mut z = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::{Dtype, Rest};

    /// The tokens that `sampling` can choose, in plain f64.
    fn allowed(logits: &[f32], sampling: &Sampling) -> Vec<bool> {
        let max = logits.iter().fold(f64::NEG_INFINITY, |m, &x| m.max(x.into()));
        let sum: f64 = logits.iter().map(|&x| (f64::from(x) - max).exp()).sum();
        let p: Vec<f64> = logits.iter().map(|&x| (f64::from(x) - max).exp() / sum).collect();
        let mut keep = vec![true; p.len()];
        if sampling.top_p < 1.0 {
            keep = p
                .iter()
                .map(|&x| p.iter().filter(|&&y| y > x).sum::<f64>() < f64::from(sampling.top_p))
                .collect();
        }
        let most = p.iter().copied().fold(0.0, f64::max);
        let rank = |x: f64| p.iter().zip(&keep).filter(|&(&y, &k)| k && y > x).count();
        let in_top: Vec<bool> =
            p.iter().map(|&x| sampling.top_k == 0 || rank(x) < sampling.top_k as usize).collect();
        (0..p.len()).map(|i| keep[i] && in_top[i] && p[i] >= most * f64::from(sampling.min_p)).collect()
    }

    #[test]
    fn draws_follow_the_filtered_distribution() -> mlx::Result<()> {
        let vocabulary = 12;
        for (seed, top_p, min_p, top_k) in [
            (1, 1.0, 0.0, 0),
            (2, 0.7, 0.0, 0),
            (3, 1.0, 0.2, 0),
            (4, 1.0, 0.0, 3),
            (5, 0.9, 0.05, 5),
            (6, 0.01, 0.0, 0),
        ] {
            let sampling = Sampling { temperature: 0.8, top_p, min_p, top_k, seed };
            let logits = random::normal(&[1, vocabulary], Dtype::F32, &random::key(seed)?)? * 1.5;
            let host = logits.to_vec::<f32>()?;
            let allowed = allowed(&host, &sampling);
            let weights: Vec<f64> = host
                .iter()
                .zip(&allowed)
                .map(|(&x, &a)| if a { (f64::from(x) / 0.8).exp() } else { 0.0 })
                .collect();
            let total: f64 = weights.iter().sum();

            let draws = 4000;
            let many = logits.broadcast_to([draws, vocabulary])?;
            let mut counts = vec![0; vocabulary as usize];
            for id in sampling.sample(&many, 0)?.to_vec::<u32>()? {
                counts[id as usize] += 1;
            }
            for (i, &count) in counts.iter().enumerate() {
                let (expected, got) = (weights[i] / total, f64::from(count) / f64::from(draws));
                assert!(allowed[i] || count == 0, "seed {seed}: token {i} is filtered out but was drawn");
                assert!((expected - got).abs() < 0.04, "seed {seed}: token {i}: {got} for {expected}");
            }
        }
        Ok(())
    }

    #[test]
    fn greedy_takes_the_best_and_seeds_repeat() -> mlx::Result<()> {
        let logits = Array::from_slice(&[0.1f32, 3.0, -1.0, 0.0, 5.0, 4.9], &[2, 3]);
        assert_eq!(Sampling::default().sample(&logits, 0)?.to_vec::<u32>()?, [1, 1]);
        let wide = logits.at((0, Rest))?.broadcast_to([64, 3])?;
        let draw = |seed, step| {
            Sampling { temperature: 2.0, seed, ..Default::default() }.sample(&wide, step)?.to_vec::<u32>()
        };
        assert_eq!(draw(1, 5)?, draw(1, 5)?);
        assert_ne!(draw(1, 5)?, draw(2, 5)?);
        assert_ne!(draw(1, 5)?, draw(1, 6)?);
        Ok(())
    }

    #[test]
    fn senseless_values_are_refused() {
        for (sampling, message) in [
            (Sampling { temperature: -1.0, ..Default::default() }, "temperature is -1; it must be 0 or more"),
            (Sampling { temperature: f32::NAN, ..Default::default() }, "temperature is NaN"),
            (Sampling { top_p: 1.5, ..Default::default() }, "top-p is 1.5; it must be from 0 to 1"),
            (Sampling { min_p: -0.1, ..Default::default() }, "min-p is -0.1"),
        ] {
            assert!(sampling.check().unwrap_err().to_string().contains(message));
        }
    }
}
