//! Gemma: Llama with GeGLU, scaled embeddings and norms stored as their distance from one
//! ([Gemma Team, 2024](https://arxiv.org/abs/2403.08295)).
//!
//! GELU is the approximation by `tanh`, whatever files say; Python mlx-lm computes it exactly.

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, PreNormLayer, shift_norms},
    llama::Llama,
};
use crate::Result;
use mlx::{Loader, nn::Activation};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
}

/// Adds one to the weights of all norms.
///
/// # Errors
/// A norm that is no array of numbers.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    shift_norms(weights, |path| path.ends_with("norm.weight"))
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        let mlp = GatedMlp::new(base.hidden_size, base.intermediate_size, Activation::GeluApprox);
        Ok(PreNormLayer::new(attention, mlp, norm))
    })?;
    Ok(lm.with_embedding_scale((base.hidden_size as f32).sqrt()))
}
