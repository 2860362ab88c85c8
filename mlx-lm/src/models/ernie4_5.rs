//! ERNIE 4.5: Llama with neighbouring elements as the pairs of its rotary embeddings
//! ([Baidu, 2025](https://ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf)).

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
    use_bias: bool,
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
        let attention = Attention::new(base, Some(rope)).with_bias(c.use_bias, c.use_bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.use_bias), norm))
    })
}
