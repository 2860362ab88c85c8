//! Positions as numbers that layers can work with, without parameters.

use crate::{Array, Dtype, Error, Result, arange, concatenate, module::without_parameters};
use std::f64::consts::TAU;

/// Waves of falling frequencies: each number `x` becomes `scale · [sin(f x), cos(f x)]` for `dims / 2` frequencies `f`
/// from `max_freq` to `min_freq` ([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, arange, nn::SinusoidalPositionalEncoding};
/// let positions = arange(0.0, 10.0, 1.0, Dtype::F32)?;
/// assert_eq!(SinusoidalPositionalEncoding::new(16).forward(&positions)?.shape()?, [10, 16]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SinusoidalPositionalEncoding {
    dims: i32,
    min_freq: f64,
    max_freq: f64,
    scale: Option<f32>,
    cos_first: bool,
    full_turns: bool,
}

impl SinusoidalPositionalEncoding {
    /// `dims` numbers per position, an even count, with frequencies from 1 to 0.0001 and a scale of `sqrt(2 / dims)`.
    pub fn new(dims: i32) -> SinusoidalPositionalEncoding {
        let (min_freq, max_freq) = (0.0001, 1.0);
        Self { dims, min_freq, max_freq, scale: None, cos_first: false, full_turns: false }
    }

    /// With other frequencies, both positive.
    #[doc(alias = "min_freq")]
    #[doc(alias = "max_freq")]
    pub fn with_frequencies(self, min: f64, max: f64) -> Self {
        Self { min_freq: min, max_freq: max, ..self }
    }

    /// With another scale.
    pub fn with_scale(self, scale: f32) -> Self {
        Self { scale: Some(scale), ..self }
    }

    /// With the cosines before the sines, or after.
    pub fn with_cos_first(self, cos_first: bool) -> Self {
        Self { cos_first, ..self }
    }

    /// With frequencies in full turns, or in radians.
    pub fn with_full_turns(self, full_turns: bool) -> Self {
        Self { full_turns, ..self }
    }

    /// `x` `[...]` to `[..., dims]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let angles = x.expand_dims(-1)?.multiply(self.frequencies()?)?;
        let (sines, cosines) = (angles.sin()?, angles.cos()?);
        let pair = if self.cos_first { [&cosines, &sines] } else { [&sines, &cosines] };
        let scale = self.scale.unwrap_or_else(|| (2.0 / f64::from(self.dims)).sqrt() as f32);
        concatenate(&pair, -1)?.multiply(scale)
    }

    /// The frequencies `[dims / 2]`, falling, at equal distances of their logarithms.
    #[track_caller]
    fn frequencies(&self) -> Result<Array> {
        let Self { dims, min_freq, max_freq, .. } = *self;
        if dims < 2 || dims % 2 != 0 {
            let text = format!("sines and cosines make an even number of dims, not {dims}");
            return Err(Error::invalid("SinusoidalPositionalEncoding", text));
        }
        let count = f64::from(dims / 2);
        let from_one_to_zero = 1 - arange(0.0, count, 1.0, Dtype::F32)? / (count - 1.0).max(1.0);
        let (low, high) = (min_freq.ln(), max_freq.ln());
        let frequencies = (from_one_to_zero * (high - low) + low).exp()?;
        if self.full_turns { frequencies.multiply(TAU) } else { Ok(frequencies) }
    }
}

/// A bias on attention scores that grows with the distance between query and key, at another slope for each head
/// ([Press et al., 2021](https://arxiv.org/abs/2108.12409)).
#[doc(alias = "ALiBi")]
#[derive(Clone, Copy, Debug, Default)]
pub struct Alibi;

impl Alibi {
    /// The slope of each head, `[heads, 1, 1]`: powers of two, from `2^(-8 / heads)` down to `2^-8` if the number of
    /// heads is a power of two.
    #[doc(alias = "create_alibi_slope")]
    #[track_caller]
    pub fn slopes(heads: i32, dtype: Dtype) -> Result<Array> {
        if heads < 1 {
            return Err(Error::invalid("Alibi", format!("there are no slopes for {heads} heads")));
        }
        // For other numbers of heads: the slopes of the power of two below, then every other one of the power above.
        let below = 1 << heads.ilog2();
        let slopes = |count: i64, nth: Array| Array::scalar(2f32).power(nth * (-8.0 / count as f64));
        let every = arange(1.0, f64::from(below) + 1.0, 1.0, Dtype::F32)?;
        let every_other = arange(1.0, 2.0 * f64::from(heads - below), 2.0, Dtype::F32)?;
        let (first, rest) = (slopes(below.into(), every)?, slopes(2 * i64::from(below), every_other)?);
        concatenate(&[&first, &rest], 0)?.reshape([heads, 1, 1])?.astype(dtype)
    }

    /// The bias `[1, heads, queries, keys]` for queries from position `offset` on and keys from 0.
    #[doc(alias = "create_alibi_matrix")]
    #[track_caller]
    pub fn bias(heads: i32, queries: i32, keys: i32, offset: i32, dtype: Dtype) -> Result<Array> {
        let Some(end) = offset.checked_add(queries) else {
            let text = format!("there are no positions for {queries} queries from {offset} on");
            return Err(Error::invalid("Alibi", text));
        };
        let positions = |from: i32, to: i32| arange(from.into(), to.into(), 1.0, Dtype::I32);
        let distances = positions(offset, end)?.expand_dims([0, 1, 3])? - positions(0, keys)?;
        (distances.abs()?.negative()? * Alibi::slopes(heads, dtype)?).astype(dtype)
    }

    /// `scores` `[batch, heads, queries, keys]` with the bias added; the first query stands at position `offset`.
    /// Masks can be added before or after.
    #[track_caller]
    pub fn forward(&self, scores: &Array, offset: i32) -> Result<Array> {
        let [_, heads, queries, keys] = scores.dims()?;
        scores.add(Alibi::bias(heads, queries, keys, offset, scores.dtype()?)?)
    }
}

without_parameters!(SinusoidalPositionalEncoding, Alibi);
