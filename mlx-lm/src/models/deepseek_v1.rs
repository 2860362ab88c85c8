//! DeepSeekMoE: Llama with many small experts, some of them for all positions
//! ([Dai et al., 2024](https://arxiv.org/abs/2401.06066)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, DeepSeekMoe, MoeLm, PreNormLayer, name_deepseek_moe,
};
use crate::Result;
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    pub(super) base: DecoderConfig,
    pub(super) rms_norm_eps: f32,
    pub(super) attention_bias: bool,
    #[serde(flatten)]
    pub(super) moe: DeepSeekMoe,
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    name_deepseek_moe(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        Ok(PreNormLayer::new(attention, c.moe.plain(base, i, false)?, norm))
    })
}
