//! GLM-4 of 2025: four norms per layer, gate and up fused, half of each head rotated
//! ([GLM et al., 2024](https://arxiv.org/abs/2406.12793)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, SandwichLayer, rename, split_rows};
use crate::Result;
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
}

/// Takes apart what the checkpoint holds as one matrix, and gives all parts Llama's names.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    let names = [
        ("post_attention_layernorm", "pre_feedforward_layernorm"),
        ("post_self_attn_layernorm", "post_attention_layernorm"),
        ("post_mlp_layernorm", "post_feedforward_layernorm"),
    ];
    rename(weights, &names)?;
    let hidden = c.base.intermediate_size;
    split_rows(weights, "mlp.gate_up_proj", 1, &[("mlp.gate_proj", hidden), ("mlp.up_proj", hidden)])
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<SandwichLayer<GatedMlp>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rope = base.rope(i)?.traditional(true);
        let attention = Attention::new(base, Some(rope)).with_bias(c.attention_bias, false);
        Ok(SandwichLayer::new(attention, base.gated_mlp()?, norm))
    })
}
