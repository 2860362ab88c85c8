//! Command R7B and Command A: Command R with layers that attend to a window, and positions in these only
//! ([Cohere, 2025](https://arxiv.org/abs/2504.00698)).

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, Logits, ParallelLayer},
    cohere::Cohere,
};
use crate::Result;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    layer_norm_eps: f32,
    /// Multiplies the logits.
    logit_scale: f32,
    attention_bias: bool,
    #[serde(default)]
    layer_norm_bias: bool,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Cohere> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps).with_bias(c.layer_norm_bias);
    let lm = CausalLm::new(base, norm(), |i| {
        let rope = base.slides(i).then(|| base.rope(i)).transpose()?.map(|rope| rope.traditional(true));
        let attention = Attention::new(base, rope).with_bias(c.attention_bias, c.attention_bias);
        Ok(ParallelLayer::new(attention, base.gated_mlp()?, norm()))
    })?;
    Ok(lm.with_logits(Logits::Scaled(c.logit_scale)))
}
