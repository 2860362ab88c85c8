//! Llama and Mistral: grouped-query attention, rotary positions, SwiGLU
//! ([Touvron et al., 2023](https://arxiv.org/abs/2307.09288), [Llama 3](https://arxiv.org/abs/2407.21783)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, PreNormLayer};
use crate::Result;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    #[serde(default)]
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    #[serde(default)]
    rope_traditional: bool,
}

/// A Llama of any size.
pub type Llama = CausalLm<PreNormLayer<GatedMlp>>;

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rope = base.rope(i)?.traditional(c.rope_traditional);
        let attention = Attention::new(base, Some(rope)).with_bias(c.attention_bias, c.attention_bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })
}
