//! SmolLM3: Llama in which every fourth layer knows no positions
//! ([Bakouch et al., 2025](https://huggingface.co/blog/smollm3)).

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
    mlp_bias: bool,
    /// 1 where a layer has rotary embeddings, 0 where it has none.
    no_rope_layers: Option<Vec<u8>>,
    no_rope_layer_interval: usize,
}

impl Config {
    fn has_rope(&self, layer: usize) -> bool {
        match &self.no_rope_layers {
            Some(layers) => layers.get(layer) != Some(&0),
            None => {
                self.no_rope_layer_interval == 0 || !(layer + 1).is_multiple_of(self.no_rope_layer_interval)
            }
        }
    }
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rope = c.has_rope(i).then(|| base.rope(i)).transpose()?;
        let attention = Attention::new(base, rope).with_bias(c.attention_bias, c.attention_bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })
}
