//! Qwen2 and Qwen2.5: Llama with biases on queries, keys and values
//! ([Yang et al., 2024](https://arxiv.org/abs/2407.10671)).

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, PreNormLayer},
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
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?)).with_bias(true, false);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
