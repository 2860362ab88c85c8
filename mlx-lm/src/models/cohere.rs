//! Command R: attention and feed-forward layer side by side, layer norms without biases
//! ([Cohere, 2024](https://huggingface.co/CohereLabs/c4ai-command-r-v01)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, HeadLayerNorm, Logits, ParallelLayer};
use crate::Result;
use mlx::nn::LayerNorm;
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
    #[serde(default)]
    use_qk_norm: bool,
}

/// A Command R of any size.
pub type Cohere = CausalLm<ParallelLayer<GatedMlp, LayerNorm>, LayerNorm>;

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Cohere> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps).with_bias(c.layer_norm_bias);
    let lm = CausalLm::new(base, norm(), |i| {
        let rope = base.rope(i)?.traditional(true);
        let mut attention = Attention::new(base, Some(rope)).with_bias(c.attention_bias, c.attention_bias);
        if c.use_qk_norm {
            let norm = |heads| HeadLayerNorm::new(heads, base.head_dim(), c.layer_norm_eps);
            attention = attention.with_head_norms(norm(base.num_attention_heads), norm(base.kv_heads()));
        }
        Ok(ParallelLayer::new(attention, base.gated_mlp()?, norm()))
    })?;
    Ok(lm.with_logits(Logits::Scaled(c.logit_scale)))
}
