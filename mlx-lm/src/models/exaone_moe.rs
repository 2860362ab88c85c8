//! K-EXAONE: EXAONE 4's attention with norms before it, and a mixture of experts whose choice a bias balances
//! ([LG AI Research, 2026](https://arxiv.org/abs/2601.01739)).

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
    base: DecoderConfig,
    rms_norm_eps: f32,
    #[serde(flatten)]
    moe: DeepSeekMoe,
}

/// Stacks the experts, gives all parts the names they have here, and drops what predicts further tokens.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.starts_with("mtp."));
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
        let rotates = base.slides(i) || base.sliding_window().is_none();
        let rope = rotates.then(|| base.rope(i)).transpose()?;
        let attention = Attention::new(base, rope).with_head_rms_norms(c.rms_norm_eps);
        Ok(PreNormLayer::new(attention, c.moe.balanced(base, i)?, norm))
    })
}
