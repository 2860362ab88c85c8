//! Rotary embeddings as configurations describe them
//! ([Su et al., 2021](https://arxiv.org/abs/2104.09864)).

mod frequencies;

use crate::{Error, Offset, Result};
use frequencies::Wavelengths;
use mlx::{Array, Module, concatenate, fast, nn};
use serde::Deserialize;

/// `rope_parameters` for one kind of layers.
#[derive(Clone, Debug, Deserialize)]
pub struct RopeParameters {
    rope_type: String,
    rope_theta: f64,
    partial_rotary_factor: Option<f64>,
    max_position_embeddings: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    attention_factor: Option<f64>,
    factor: Option<f64>,
    /// Stretches the base once and for all.
    alpha: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    beta_fast: Option<f64>,
    beta_slow: Option<f64>,
    mscale: Option<f64>,
    mscale_all_dim: Option<f64>,
    truncate: Option<bool>,
    short_factor: Option<Vec<f64>>,
    long_factor: Option<Vec<f64>>,
    short_mscale: Option<f64>,
    long_mscale: Option<f64>,
    /// One divisor of the frequency per pair of elements, as GGUF files store them.
    factors: Option<Vec<f64>>,
    /// Strength of Llama 4's growth of queries with their position.
    pub llama_4_scaling_beta: Option<f64>,
}

impl RopeParameters {
    /// The context that the model was trained for before it was stretched.
    pub fn original_context(&self) -> Option<f64> {
        self.original_max_position_embeddings.or(self.max_position_embeddings)
    }

    /// Whether the same is computed at all positions.
    pub fn is_uniform(&self) -> bool {
        let grows = self.rope_type == "dynamic" && self.alpha.is_none();
        self.rope_type != "longrope" && !grows && self.llama_4_scaling_beta.is_none()
    }

    /// What the scores of DeepSeek's attention are multiplied by besides: the square of yarn's `mscale_all_dim`.
    pub fn score_factor(&self) -> f64 {
        match (self.rope_type.as_str(), self.mscale_all_dim, self.factor) {
            ("yarn", Some(scale), Some(factor)) => frequencies::yarn_mscale(factor, scale).powi(2),
            _ => 1.0,
        }
    }
}

/// Rotates queries and keys by their positions; holds no parameters.
#[derive(Clone, Debug, Module)]
pub struct Rope {
    #[module(skip)]
    short: Table,
    /// In place of `short` for sequences beyond a length.
    #[module(skip)]
    long: Option<(i32, Table)>,
    /// The base grows with the sequence.
    #[module(skip)]
    dynamic: Option<Dynamic>,
}

/// Rotation, and a factor of what is rotated.
#[derive(Clone, Debug)]
struct Table {
    rope: nn::Rope,
    scale: f32,
}

#[derive(Clone, Copy, Debug)]
struct Dynamic {
    factor: f64,
    context: f64,
}

impl Rope {
    /// The embedding of heads of `head_dim` elements.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a kind of scaling that is not known, or lacks its parameters.
    pub fn new(head_dim: i32, p: &RopeParameters) -> Result<Rope> {
        let partial = p.partial_rotary_factor.unwrap_or(1.0);
        let dims =
            if p.rope_type == "proportional" { head_dim } else { (f64::from(head_dim) * partial) as i32 };
        let pairs = f64::from(dims);
        let stretch = p.alpha.map_or(1.0, |alpha| alpha.powf(pairs / (pairs - 2.0)));
        let plain = nn::Rope::new(dims, (p.rope_theta * stretch) as f32);
        let table = |wavelengths: Wavelengths| {
            let freqs: Vec<f32> = wavelengths.values.iter().map(|value| *value as f32).collect();
            let freqs = Array::from_slice(&freqs, &[freqs.len() as i32]);
            Table { rope: nn::Rope { freqs: Some(freqs), ..plain.clone() }, scale: wavelengths.scale as f32 }
        };
        let unscaled = Table { rope: plain.clone(), scale: 1.0 };
        let mut rope = Rope { short: unscaled, long: None, dynamic: None };
        match p.rope_type.as_str() {
            "default" => {}
            "linear" => rope.short.rope.scale = (1.0 / p.factor()?) as f32,
            "dynamic" if p.alpha.is_some() => {}
            "dynamic" => rope.dynamic = Some(Dynamic { factor: p.factor()?, context: p.context()? }),
            "longrope" => {
                rope.short = table(p.longrope(dims, &p.short_factor, p.short_mscale)?);
                let long = table(p.longrope(dims, &p.long_factor, p.long_mscale)?);
                rope.long = Some((p.original()? as i32, long));
            }
            _ => rope.short = table(p.wavelengths(dims)?),
        }
        Ok(rope)
    }

    /// With neighbouring elements as pairs instead of halves.
    pub fn traditional(mut self, traditional: bool) -> Rope {
        self.short.rope.traditional = traditional;
        self.long.iter_mut().for_each(|(_, table)| table.rope.traditional = traditional);
        self
    }

    /// `x` `[batch, heads, length, head dim]`, whose first position is `offset`.
    pub fn forward(&self, x: &Array, offset: impl Into<Offset>) -> mlx::Result<Array> {
        match offset.into() {
            Offset::Same(offset) => self.rotate(x, offset, 0),
            Offset::Within { offset, length } => self.rotate(x, offset, length),
            Offset::Each(each) if self.long.is_none() && self.dynamic.is_none() => {
                self.short.forward(x, each.array())
            }
            // Which table a row needs depends on its length.
            Offset::Each(each) => {
                let rows = (0..).zip(each.rows());
                let rows = rows.map(|(i, offset)| self.rotate(&x.at((i..i + 1,))?, *offset, 0));
                concatenate(&rows.collect::<mlx::Result<Vec<_>>>()?, 0)
            }
        }
    }

    /// `x` of a sequence that is known to get `length` tokens.
    fn rotate(&self, x: &Array, offset: i32, length: i32) -> mlx::Result<Array> {
        let end = offset.saturating_add(x.dim(2)?).max(length);
        // A prompt beyond the length has `long` from its first token on. A sequence that gets there by what is generated
        // has it from there on: its keys of before stay as they are in the cache, where the model's definition computes
        // the whole sequence again.
        let table = match &self.long {
            Some((length, long)) if end > *length => long,
            _ => &self.short,
        };
        match self.dynamic {
            Some(dynamic) => {
                Table { rope: dynamic.stretch(&table.rope, end), scale: table.scale }.forward(x, offset)
            }
            None => table.forward(x, offset),
        }
    }
}

impl Table {
    fn forward<'a>(&self, x: &Array, offset: impl Into<fast::Offset<'a>>) -> mlx::Result<Array> {
        let nn::Rope { dims, traditional, base, scale, ref freqs } = self.rope;
        let options = fast::RopeOptions { dims, traditional, base, scale, freqs: freqs.as_ref() };
        fast::rope(&self.scale(x)?, offset, options)
    }

    fn scale(&self, x: &Array) -> mlx::Result<Array> {
        let (dims, width) = (self.rope.dims, x.dim(-1)?);
        if self.scale == 1.0 {
            return Ok(x.clone());
        }
        if dims == width {
            return x.multiply(self.scale);
        }
        let factors: Vec<f32> = (0..width).map(|i| if i < dims { self.scale } else { 1.0 }).collect();
        x.multiply(&Array::from_slice(&factors, &[width]).astype(x.dtype()?)?)
    }
}

impl Dynamic {
    /// `rope` for a sequence of `length` tokens: a base that keeps the longest wavelength in proportion.
    fn stretch(self, rope: &nn::Rope, length: i32) -> nn::Rope {
        let dims = f64::from(rope.dims);
        let length = f64::from(length).max(self.context);
        let growth = (self.factor * length / self.context - (self.factor - 1.0)).powf(dims / (dims - 2.0));
        nn::Rope { base: (f64::from(rope.base) * growth) as f32, ..rope.clone() }
    }
}

fn invalid(what: &str) -> Error {
    Error::Invalid(format!("config.json, rope scaling: {what}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unknown_kinds_and_missing_factors_are_refused() {
        for (text, message) in [
            (r#""rope_type": "spiral""#, "rope scaling `spiral` is not supported"),
            (r#""rope_type": "llama3""#, "`factor` is missing"),
            (r#""rope_type": "linear", "factor": 0"#, "`factor` is missing or not positive"),
            (r#""rope_type": "freq_factors""#, "0 factors for 4 pairs"),
            (r#""rope_type": "longrope", "short_factor": [1, 1]"#, "2 factors for 4 pairs"),
            (r#""rope_type": "dynamic", "factor": 2"#, "`max_position_embeddings` is missing"),
        ] {
            let text = format!(r#"{{"rope_theta": 10000, {text}}}"#);
            let error = Rope::new(8, &serde_json::from_str(&text).unwrap()).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
