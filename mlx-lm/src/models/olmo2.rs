//! OLMo 2: norms behind attention and feed-forward layers, and over all heads of queries and of keys
//! ([OLMo et al., 2024](https://arxiv.org/abs/2501.00656)). OLMo 3 adds layers that attend to a window.

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, PostNormLayer};
use crate::Result;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PostNormLayer<GatedMlp>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_full_norms(base, c.rms_norm_eps);
        Ok(PostNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
