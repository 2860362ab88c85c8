//! Helium: Llama with neighbouring elements as the pairs of its rotary embeddings
//! ([Kyutai, 2025](https://kyutai.org/2025/01/13/helium.html)).

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
    /// Of queries, keys and values; the output has none.
    attention_bias: bool,
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
        let rope = base.rope(i)?.traditional(true);
        let attention = Attention::new(base, Some(rope)).with_bias(c.attention_bias, false);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })
}
