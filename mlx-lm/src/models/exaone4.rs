//! EXAONE 4: norms behind attention and feed-forward layers, and of each head of queries and keys. In models with windows,
//! only the layers that have one know positions ([LG AI Research, 2025](https://arxiv.org/abs/2507.11407)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, PostNormLayer};
use crate::Result;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PostNormLayer<GatedMlp>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rotates = base.slides(i) || base.sliding_window().is_none();
        let rope = rotates.then(|| base.rope(i)).transpose()?;
        let attention = Attention::new(base, rope).with_head_rms_norms(c.rms_norm_eps);
        Ok(PostNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
