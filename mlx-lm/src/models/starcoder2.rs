//! StarCoder2: layer norms, biases and feed-forward layers without a gate
//! ([Lozhkov et al., 2024](https://arxiv.org/abs/2402.19173)).
//!
//! Python mlx-lm computes GELU exactly; the model asks for the approximation by `tanh`.

use super::blocks::{Attention, CausalLm, DecoderConfig, Mlp, PreNormLayer, rename};
use crate::Result;
use mlx::{Loader, nn::LayerNorm};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    layer_norm_eps: f32,
    use_bias: bool,
}

/// A StarCoder2 of any size.
pub type StarCoder2 = CausalLm<PreNormLayer<Mlp, Attention, LayerNorm>, LayerNorm>;

/// Gives all parts the names they have here.
///
/// # Errors
/// Tensors of both names.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    rename(weights, &[("mlp.c_fc", "mlp.up_proj"), ("mlp.c_proj", "mlp.down_proj")])
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<StarCoder2> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?)).with_bias(c.use_bias, c.use_bias);
        let mlp = Mlp::new(base.hidden_size, base.intermediate_size, base.activation()?, c.use_bias);
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
