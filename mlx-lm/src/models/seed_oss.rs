//! Seed-OSS: Llama with biases of queries, keys and values apart from that of the output
//! ([ByteDance Seed, 2025](https://huggingface.co/ByteDance-Seed/Seed-OSS-36B-Instruct)).

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
    attention_bias: bool,
    attention_out_bias: bool,
    mlp_bias: bool,
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_out_bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })
}
