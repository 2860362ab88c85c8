//! Phi-3.5-MoE: experts chosen one after the other by SparseMixer, layer norms
//! ([Abdin et al., 2024](https://arxiv.org/abs/2404.14219)).
//!
//! Rotary embeddings take the short factors up to the original context; Python mlx-lm always takes the long ones.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Moe, PreNormLayer, Routing, Scores, SwitchGlu, rename,
    stack_experts,
};
use crate::Result;
use mlx::{Loader, nn::LayerNorm};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    lm_head_bias: bool,
    num_local_experts: i32,
    num_experts_per_tok: i32,
    router_jitter_noise: f32,
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    rename(weights, &[("block_sparse_moe", "mlp"), ("mlp.router", "mlp.gate")])?;
    stack_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Moe, Attention, LayerNorm>, LayerNorm>> {
    let base = &c.base;
    let norm = || base.layer_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        let gate = Gate::Plain(base.activation()?);
        let experts = SwitchGlu::new(base.hidden_size, base.intermediate_size, c.num_local_experts, gate);
        let routing = Routing::new(c.num_experts_per_tok, Scores::SparseMixer(c.router_jitter_noise));
        let moe = Moe::new(base.hidden_size, c.num_local_experts, experts, routing);
        Ok(PreNormLayer::new(attention, moe, norm))
    })?;
    Ok(lm.with_head_bias(c.lm_head_bias))
}
