//! Rotary embeddings as configurations describe them.

use crate::{Error, Result};
use mlx::{Array, nn::Rope};
use serde::Deserialize;
use std::f64::consts::TAU;

/// The fields of `config.json` about rotary embeddings, in the spelling of transformers 4 (`rope_theta`,
/// `rope_scaling`) or 5 (`rope_parameters`).
#[derive(Clone, Debug, Default, Deserialize)]
pub struct RopeConfig {
    rope_theta: Option<f32>,
    rope_scaling: Option<Scaling>,
    rope_parameters: Option<Scaling>,
    #[serde(default)]
    rope_traditional: bool,
}

/// How frequencies are stretched for longer contexts.
#[derive(Clone, Debug, Default, Deserialize)]
struct Scaling {
    #[serde(alias = "type")]
    rope_type: Option<String>,
    rope_theta: Option<f32>,
    factor: Option<f64>,
    low_freq_factor: Option<f64>,
    high_freq_factor: Option<f64>,
    original_max_position_embeddings: Option<f64>,
    /// One divisor of the frequency per pair of elements, as GGUF files store them.
    factors: Option<Vec<f64>>,
}

const DEFAULT_BASE: f32 = 10_000.0;

/// The embedding of `dims` elements that `config` describes.
///
/// # Errors
/// [`Error::Invalid`] for a kind of scaling that is not known, or lacks its factor.
pub fn rope(dims: i32, config: &RopeConfig) -> Result<Rope> {
    let scaling =
        config.rope_parameters.as_ref().or(config.rope_scaling.as_ref()).cloned().unwrap_or_default();
    let base = scaling.rope_theta.or(config.rope_theta).unwrap_or(DEFAULT_BASE);
    let plain = Rope { traditional: config.rope_traditional, ..Rope::new(dims, base) };
    let factor = || {
        scaling.factor.filter(|f| *f > 0.0).ok_or_else(|| invalid("its `factor` is missing or not positive"))
    };
    let with_wavelengths = |stretch: &dyn Fn(usize, f64) -> f64| {
        let freqs: Vec<f32> = (0..dims as usize / 2)
            .map(|pair| stretch(pair, f64::from(base).powf(2.0 * pair as f64 / f64::from(dims))) as f32)
            .collect();
        Rope { freqs: Some(Array::from_slice(&freqs, &[freqs.len() as i32])), ..plain.clone() }
    };
    match scaling.rope_type.as_deref().unwrap_or("default") {
        "default" => Ok(plain),
        "linear" => Ok(Rope { scale: (1.0 / factor()?) as f32, ..plain }),
        "llama3" => {
            let factor = factor()?;
            Ok(with_wavelengths(&|_, wavelength| scaling.llama3(factor, wavelength)))
        }
        "freq_factors" => {
            let factors = scaling.factors.clone().unwrap_or_default();
            if factors.len() != dims as usize / 2 {
                return Err(invalid(&format!("it has {} factors for {} pairs", factors.len(), dims / 2)));
            }
            Ok(with_wavelengths(&|pair, wavelength| wavelength * factors[pair]))
        }
        other => Err(Error::Invalid(format!(
            "rope scaling `{other}` is not supported; known: default, linear, llama3, freq_factors"
        ))),
    }
}

fn invalid(what: &str) -> Error {
    Error::Invalid(format!("config.json, rope scaling: {what}"))
}

impl Scaling {
    /// Long wavelengths stretched by `factor`, short ones kept, those between blended; the scheme of Llama 3.1.
    /// `wavelength` is in radians per position, inverted.
    fn llama3(&self, factor: f64, wavelength: f64) -> f64 {
        let (low, high) = (self.low_freq_factor.unwrap_or(1.0), self.high_freq_factor.unwrap_or(4.0));
        let context = self.original_max_position_embeddings.unwrap_or(8192.0);
        let tokens = TAU * wavelength;
        if tokens > context / low {
            wavelength * factor
        } else if tokens > context / high {
            let smooth = (context / tokens - low) / (high - low);
            wavelength / ((1.0 - smooth) / factor + smooth)
        } else {
            wavelength
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> RopeConfig {
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn both_dialects_say_the_same() {
        let four = parse(r#"{"rope_theta": 5e5, "rope_scaling": {"type": "linear", "factor": 4.0}}"#);
        let five = parse(r#"{"rope_parameters": {"rope_theta": 5e5, "rope_type": "linear", "factor": 4.0}}"#);
        for config in [four, five] {
            let rope = rope(8, &config).unwrap();
            assert_eq!((rope.base, rope.scale), (5e5, 0.25));
        }
    }

    #[test]
    fn unknown_kinds_and_missing_factors_are_refused() {
        for (text, message) in [
            (r#"{"rope_scaling": {"rope_type": "spiral"}}"#, "rope scaling `spiral` is not supported"),
            (r#"{"rope_scaling": {"rope_type": "llama3"}}"#, "`factor` is missing"),
            (
                r#"{"rope_scaling": {"rope_type": "linear", "factor": 0}}"#,
                "`factor` is missing or not positive",
            ),
            (r#"{"rope_scaling": {"rope_type": "freq_factors"}}"#, "0 factors for 4 pairs"),
        ] {
            let error = rope(8, &parse(text)).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }
}
