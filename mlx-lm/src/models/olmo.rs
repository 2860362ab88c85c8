//! OLMo: norms without weights, and projections kept within bounds
//! ([Groeneveld et al., 2024](https://arxiv.org/abs/2402.00838)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, PreNormLayer};
use crate::Result;
use mlx::nn::LayerNorm;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    attention_bias: bool,
    clip_qkv: Option<f32>,
}

/// An OLMo of any size.
pub type Olmo = CausalLm<PreNormLayer<GatedMlp, Attention, LayerNorm>, LayerNorm>;

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Olmo> {
    let base = &c.base;
    let norm = || LayerNorm::new(base.hidden_size).with_affine(false);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_clip(c.clip_qkv);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
