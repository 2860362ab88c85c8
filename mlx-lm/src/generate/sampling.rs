//! Choosing the next token, on the device.

use super::filters;
use crate::{Error, Result};
use mlx::{Array, random};
use serde::{Deserialize, Serialize};

/// How tokens are chosen. The default is greedy: always the most probable one.
///
/// With a temperature the filters apply in the order top-p, min-p, XTC, top-k to the probabilities *before*
/// temperature, as in Python mlx-lm; then one token is drawn at the temperature.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sampling {
    /// Divides the scores; 0 is greedy. Default 0.
    pub temperature: f32,
    /// Keeps the most probable tokens that together reach this probability; 1 keeps all. Default 1.
    pub top_p: f32,
    /// Keeps tokens at least this times as probable as the most probable one; 0 keeps all. Default 0.
    pub min_p: f32,
    /// So many of the most probable tokens stay whatever `min_p` says. Default 1.
    pub min_tokens_to_keep: u32,
    /// How likely a draw is to exclude top choices: of the tokens at least as probable as `xtc_threshold` only the least
    /// probable one stays ([p-e-w, 2024](https://github.com/oobabooga/text-generation-webui/pull/6335)). Default 0.
    pub xtc_probability: f32,
    /// From 0 to 0.5. Default 0.1.
    pub xtc_threshold: f32,
    /// Keeps this many of the most probable tokens; 0 keeps all. Default 0.
    pub top_k: u32,
    /// Makes draws repeatable. Default 0.
    pub seed: u64,
}

impl Default for Sampling {
    fn default() -> Sampling {
        Sampling {
            temperature: 0.0,
            top_p: 1.0,
            min_p: 0.0,
            min_tokens_to_keep: 1,
            xtc_probability: 0.0,
            xtc_threshold: 0.1,
            top_k: 0,
            seed: 0,
        }
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
            ("xtc-probability", self.xtc_probability, 1.0),
            ("xtc-threshold", self.xtc_threshold, 0.5),
        ];
        for (name, value, most) in ranges {
            if !(0.0..=most).contains(&value) {
                let range = if most > 1.0 { "0 or more".to_owned() } else { format!("from 0 to {most}") };
                return Err(Error::Invalid(format!("{name} is {value}; it must be {range}")));
            }
        }
        Ok(())
    }

    /// Whether no draw is made.
    pub fn is_greedy(&self) -> bool {
        self.temperature == 0.0
    }

    /// The token `[rows]` (`U32`) that follows, given its scores `[rows, vocabulary]`; `step` counts the draws. XTC never
    /// excludes the tokens `protected`.
    pub(super) fn sample(&self, logits: &Array, step: usize, protected: &[u32]) -> mlx::Result<Array> {
        if self.is_greedy() {
            return logits.argmax(-1);
        }
        let mut logprobs = logits - logits.logsumexp(mlx::axes(-1).keep())?;
        if self.top_p > 0.0 && self.top_p < 1.0 {
            logprobs = filters::top_p(&logprobs, self.top_p)?;
        }
        if self.min_p > 0.0 {
            logprobs = filters::min_p(&logprobs, self.min_p, self.min_tokens_to_keep)?;
        }
        if self.xtc_probability > 0.0 {
            let draw = random::uniform(0.0, 1.0, &[], mlx::Dtype::F32, &self.key(step, Draw::Xtc)?)?;
            let applies = draw.less(self.xtc_probability)?;
            logprobs = applies.where_(&filters::xtc(&logprobs, self.xtc_threshold, protected)?, &logprobs)?;
        }
        if self.top_k > 0 {
            logprobs = filters::top_k(&logprobs, self.top_k)?;
        }
        random::categorical(&(logprobs / self.temperature), -1, &self.key(step, Draw::Token)?)
    }

    /// A key per draw. Mixed, because the keys of neighbouring seeds would share draws at neighbouring steps.
    fn key(&self, step: usize, draw: Draw) -> mlx::Result<Array> {
        let key = splitmix64(self.seed ^ splitmix64(step as u64));
        random::key(match draw {
            Draw::Token => key,
            Draw::Xtc => splitmix64(key),
        })
    }
}

/// What is drawn.
#[derive(Clone, Copy)]
enum Draw {
    Token,
    Xtc,
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
    use proptest::prelude::*;

    /// The probability of each token, in plain f64.
    fn probabilities(logits: &[f32], sampling: &Sampling, protected: &[u32]) -> Vec<f64> {
        let softmax = |x: &[f64]| -> Vec<f64> {
            let max = x.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            let sum: f64 = x.iter().map(|x| (x - max).exp()).sum();
            x.iter().map(|x| (x - max).exp() / sum).collect()
        };
        let mut scores: Vec<f64> = softmax(&logits.iter().map(|&x| x.into()).collect::<Vec<_>>());
        scores.iter_mut().for_each(|p| *p = p.ln());
        let hide = |scores: &mut Vec<f64>, keep: Vec<bool>| {
            scores.iter_mut().zip(keep).filter(|(_, keep)| !keep).for_each(|(s, _)| *s = f64::NEG_INFINITY);
        };
        if sampling.top_p < 1.0 {
            let p = softmax(&scores);
            let above = |x: f64| p.iter().filter(|&&y| y > x).sum::<f64>();
            hide(&mut scores, p.iter().map(|&x| above(x) < f64::from(sampling.top_p)).collect());
        }
        let rank = |scores: &[f64], x: f64| scores.iter().filter(|&&y| y > x).count();
        if sampling.min_p > 0.0 {
            let least =
                scores.iter().copied().fold(f64::NEG_INFINITY, f64::max) + f64::from(sampling.min_p).ln();
            let best = |x: f64| rank(&scores, x) < sampling.min_tokens_to_keep as usize;
            let keep = scores.iter().map(|&x| x >= least || best(x)).collect();
            hide(&mut scores, keep);
        }
        if sampling.xtc_probability > 0.0 {
            let p = softmax(&scores);
            let threshold = f64::from(sampling.xtc_threshold);
            let least = p.iter().copied().filter(|&p| p > threshold).fold(f64::INFINITY, f64::min);
            let keep = p.iter().zip(0..).map(|(&p, id)| p <= least || protected.contains(&id)).collect();
            hide(&mut scores, keep);
        }
        if sampling.top_k > 0 {
            let keep = scores.iter().map(|&x| rank(&scores, x) < sampling.top_k as usize).collect();
            hide(&mut scores, keep);
        }
        scores.iter_mut().for_each(|x| *x /= f64::from(sampling.temperature));
        softmax(&scores)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(60))]
        #[test]
        fn draws_follow_the_definition(
            seed in 0..u64::MAX,
            vocabulary in 1..14i32,
            temperature in 0.3f32..2.0,
            top_p in prop_oneof![Just(1.0f32), 0.05f32..1.0],
            min_p in prop_oneof![Just(0.0f32), 0.01f32..1.0],
            min_tokens_to_keep in 1..4u32,
            xtc_probability in prop_oneof![Just(0.0f32), Just(1.0f32)],
            xtc_threshold in 0.01f32..0.5,
            top_k in prop_oneof![Just(0u32), 1..20u32],
            protected in prop::collection::vec(0..14u32, 0..2),
        ) {
            let sampling = Sampling {
                temperature, top_p, min_p, min_tokens_to_keep, xtc_probability, xtc_threshold, top_k, seed,
            };
            let logits = random::normal(&[1, vocabulary], Dtype::F32, &random::key(seed)?)? * 1.5;
            let expected = probabilities(&logits.to_vec::<f32>()?, &sampling, &protected);
            let draws = 2000;
            let mut counts = vec![0; vocabulary as usize];
            let many = logits.broadcast_to([draws, vocabulary])?;
            for id in sampling.sample(&many, 0, &protected)?.to_vec::<u32>()? {
                counts[id as usize] += 1;
            }
            for (i, (&count, &p)) in counts.iter().zip(&expected).enumerate() {
                prop_assert!(p > 0.0 || count == 0, "token {} is filtered out but was drawn", i);
                let found = f64::from(count) / f64::from(draws);
                prop_assert!((p - found).abs() < 0.06, "token {}: {} for {}", i, found, p);
            }
        }
    }

    #[test]
    fn xtc_applies_as_often_as_it_says() -> mlx::Result<()> {
        let logits = Array::from_slice(&[3.0f32, 2.0, -1.0, -3.0], &[1, 4]);
        let draw = |seed| {
            let sampling = Sampling { temperature: 0.01, xtc_probability: 0.25, seed, ..Sampling::default() };
            sampling.sample(&logits, 3, &[])?.item::<u32>()
        };
        let ids = (0..400).map(draw).collect::<mlx::Result<Vec<u32>>>()?;
        let excluded = ids.iter().filter(|&&id| id == 1).count();
        assert!((70..130).contains(&excluded) && ids.iter().all(|&id| id < 2), "{excluded}");
        Ok(())
    }

    #[test]
    fn greedy_takes_the_best_and_seeds_repeat() -> mlx::Result<()> {
        let logits = Array::from_slice(&[0.1f32, 3.0, -1.0, 0.0, 5.0, 4.9], &[2, 3]);
        assert_eq!(Sampling::default().sample(&logits, 0, &[])?.to_vec::<u32>()?, [1, 1]);
        let wide = logits.at((0, Rest))?.broadcast_to([64, 3])?;
        let draw = |seed, step| {
            Sampling { temperature: 2.0, seed, ..Default::default() }
                .sample(&wide, step, &[])?
                .to_vec::<u32>()
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
