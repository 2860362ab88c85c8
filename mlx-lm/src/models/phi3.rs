//! Phi-3, Phi-3.5 and Phi-4: Llama stored with its projections fused
//! ([Abdin et al., 2024](https://arxiv.org/abs/2404.14219)).
//!
//! Rotary embeddings with two sets of factors take the short one up to the original context; Python mlx-lm always takes
//! the long one.

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, PreNormLayer, split_rows},
    llama::Llama,
};
use crate::Result;
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
}

/// Takes apart what the checkpoint holds as one matrix, and gives all parts Llama's names.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    let (q, k) = c.base.qk_features();
    let qkv = [("self_attn.q_proj", q), ("self_attn.k_proj", k), ("self_attn.v_proj", k)];
    split_rows(weights, "self_attn.qkv_proj", 1, &qkv)?;
    let hidden = c.base.intermediate_size;
    split_rows(weights, "mlp.gate_up_proj", 1, &[("mlp.gate_proj", hidden), ("mlp.up_proj", hidden)])
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?));
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
