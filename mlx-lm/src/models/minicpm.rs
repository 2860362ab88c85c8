//! MiniCPM: Llama with embeddings, layers and logits scaled by width and depth
//! ([Hu et al., 2024](https://arxiv.org/abs/2404.06395)).
//!
//! Python mlx-lm leaves the logits of models with a tied head unscaled; the model's own code does not.

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
    scale_emb: f32,
    scale_depth: f32,
    dim_model_base: f32,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?));
        let scale = c.scale_depth / (base.num_hidden_layers as f32).sqrt();
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm).with_residual_scale(scale))
    })?;
    let logits = Logits::Scaled(c.dim_model_base / base.hidden_size as f32);
    Ok(lm.with_embedding_scale(c.scale_emb).with_logits(logits))
}
