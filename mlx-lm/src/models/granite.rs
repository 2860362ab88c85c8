//! Granite: Llama with four constant factors ([Shen et al., 2024](https://arxiv.org/abs/2408.13359)).

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, Logits, PreNormLayer},
    llama::Llama,
};
use crate::Result;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    mlp_bias: bool,
    /// Divides the logits.
    logits_scaling: f32,
    /// Multiplies attention's scores, in place of `1 / sqrt(head dim)`.
    attention_multiplier: f32,
    embedding_multiplier: f32,
    /// Multiplies what layers add to the stream.
    residual_multiplier: f32,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_scale(c.attention_multiplier);
        let mlp = base.gated_mlp()?.with_bias(c.mlp_bias);
        Ok(PreNormLayer::new(attention, mlp, norm).with_residual_scale(c.residual_multiplier))
    })?;
    Ok(lm.with_embedding_scale(c.embedding_multiplier).with_logits(Logits::Scaled(1.0 / c.logits_scaling)))
}
