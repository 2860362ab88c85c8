//! Nemotron-4 and Minitron: layer norms that store how far their weights are from one, feed-forward layers without a gate
//! ([Parmar et al., 2024](https://arxiv.org/abs/2402.16819)).

use super::blocks::{Attention, CausalLm, DecoderConfig, Mlp, PreNormLayer, shift_norms};
use crate::Result;
use mlx::{Loader, nn::LayerNorm};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    layer_norm_eps: f32,
    attention_bias: bool,
    mlp_bias: bool,
}

/// Adds one to the weights of norms.
///
/// # Errors
/// None that a checkpoint causes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    shift_norms(weights, |path| path.ends_with("norm.weight"))
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Mlp, Attention, LayerNorm>, LayerNorm>> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        let mlp = Mlp::new(base.hidden_size, base.intermediate_size, base.activation()?, c.mlp_bias);
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
