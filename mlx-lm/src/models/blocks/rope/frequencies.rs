//! The kinds of rotary embeddings that give each pair of elements a wavelength of its own.

use super::{RopeParameters, invalid};
use crate::{Error, Result};
use std::f64::consts::TAU;

/// Wavelengths divided by 2π, one per pair of elements, and a factor of queries and keys.
pub(super) struct Wavelengths {
    pub(super) values: Vec<f64>,
    pub(super) scale: f64,
}

impl RopeParameters {
    pub(super) fn factor(&self) -> Result<f64> {
        self.factor.filter(|f| *f > 0.0).ok_or_else(|| invalid("its `factor` is missing or not positive"))
    }

    pub(super) fn context(&self) -> Result<f64> {
        positive(self.max_position_embeddings, "max_position_embeddings")
    }

    pub(super) fn original(&self) -> Result<f64> {
        positive(self.original_max_position_embeddings, "original_max_position_embeddings")
    }

    pub(super) fn wavelengths(&self, dims: i32) -> Result<Wavelengths> {
        let values = match self.rope_type.as_str() {
            "llama3" => self.llama3(dims)?,
            "yarn" => return self.yarn(dims),
            "proportional" => self.proportional(dims),
            "freq_factors" => {
                let none = vec![];
                self.stretched(dims, self.factors.as_ref().unwrap_or(&none))?
            }
            other => {
                return Err(Error::Invalid(format!(
                    "rope scaling `{other}` is not supported; known: default, dynamic, freq_factors, linear, llama3, \
                     longrope, proportional, yarn"
                )));
            }
        };
        Ok(Wavelengths { values, scale: 1.0 })
    }

    /// The wavelengths without scaling: `theta^(2i / dims)`.
    fn plain(&self, dims: i32) -> impl Iterator<Item = f64> {
        let theta = self.rope_theta;
        (0..dims / 2).map(move |i| theta.powf(f64::from(2 * i) / f64::from(dims)))
    }

    fn stretched(&self, dims: i32, factors: &[f64]) -> Result<Vec<f64>> {
        match factors.len() {
            count if count == dims as usize / 2 => {
                Ok(self.plain(dims).zip(factors).map(|(wavelength, factor)| wavelength * factor).collect())
            }
            count => Err(invalid(&format!("it has {count} factors for {} pairs", dims / 2))),
        }
    }

    /// Long wavelengths stretched by `factor`, short ones kept, those between blended; the scheme of Llama 3.1.
    fn llama3(&self, dims: i32) -> Result<Vec<f64>> {
        let (factor, context) = (self.factor()?, self.original()?);
        let (low, high) = (self.low_freq_factor.unwrap_or(1.0), self.high_freq_factor.unwrap_or(4.0));
        let stretch = |wavelength: f64| {
            let tokens = TAU * wavelength;
            if tokens > context / low {
                wavelength * factor
            } else if tokens > context / high {
                let smooth = (context / tokens - low) / (high - low);
                wavelength / ((1.0 - smooth) / factor + smooth)
            } else {
                wavelength
            }
        };
        Ok(self.plain(dims).map(stretch).collect())
    }

    /// Pairs that turn often within the original context are kept, those that turn rarely are stretched by `factor`,
    /// with a ramp between ([Peng et al., 2023](https://arxiv.org/abs/2309.00071)).
    fn yarn(&self, dims: i32) -> Result<Wavelengths> {
        let original = self.original()?;
        let factor = match self.factor {
            Some(_) => self.factor()?,
            None => self.context()? / original,
        };
        let pair_that_turns =
            |times: f64| f64::from(dims) * (original / (times * TAU)).ln() / (2.0 * self.rope_theta.ln());
        let mut low = pair_that_turns(self.beta_fast.unwrap_or(32.0));
        let mut high = pair_that_turns(self.beta_slow.unwrap_or(1.0));
        if self.truncate.unwrap_or(true) {
            (low, high) = (low.floor(), high.ceil());
        }
        (low, high) = (low.max(0.0), high.min(f64::from(dims - 1)));
        if low == high {
            high += 0.001;
        }
        let blend = |(pair, wavelength): (usize, f64)| {
            let stretched = ((pair as f64 - low) / (high - low)).clamp(0.0, 1.0);
            wavelength / (stretched / factor + (1.0 - stretched))
        };
        let scale = match (self.attention_factor, self.mscale, self.mscale_all_dim) {
            (Some(scale), ..) => scale,
            (None, Some(one), Some(all)) if one != 0.0 && all != 0.0 => {
                yarn_mscale(factor, one) / yarn_mscale(factor, all)
            }
            _ => yarn_mscale(factor, 1.0),
        };
        Ok(Wavelengths { values: self.plain(dims).enumerate().map(blend).collect(), scale })
    }

    /// A factor per pair, searched for ([Ding et al., 2024](https://arxiv.org/abs/2402.13753)).
    pub(super) fn longrope(
        &self,
        dims: i32,
        factors: &Option<Vec<f64>>,
        scale: Option<f64>,
    ) -> Result<Wavelengths> {
        let none = vec![];
        let values = self.stretched(dims, factors.as_ref().unwrap_or(&none))?;
        let original = self.original()?;
        let factor = match self.factor {
            Some(factor) => factor,
            None => self.context()? / original,
        };
        let usual = if factor <= 1.0 { 1.0 } else { (1.0 + factor.ln() / original.ln()).sqrt() };
        Ok(Wavelengths { values, scale: scale.or(self.attention_factor).unwrap_or(usual) })
    }

    /// Only the first pairs are rotated, with the wavelengths that they would have if all were.
    fn proportional(&self, dims: i32) -> Vec<f64> {
        let rotated = f64::from(dims) * self.partial_rotary_factor.unwrap_or(1.0);
        let factor = self.factor.unwrap_or(1.0);
        let stretch = |(pair, wavelength): (usize, f64)| {
            if ((2 * pair) as f64) < rotated.floor() { wavelength * factor } else { f64::INFINITY }
        };
        self.plain(dims).enumerate().map(stretch).collect()
    }
}

/// How much yarn sharpens attention over a context that is `factor` times the original.
pub(super) fn yarn_mscale(factor: f64, weight: f64) -> f64 {
    if factor <= 1.0 { 1.0 } else { 0.1 * weight * factor.ln() + 1.0 }
}

fn positive(value: Option<f64>, name: &str) -> Result<f64> {
    value.filter(|value| *value > 0.0).ok_or_else(|| invalid(&format!("`{name}` is missing or not positive")))
}
