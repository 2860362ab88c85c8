//! Mixtral: Mistral with a mixture of experts
//! ([Jiang et al., 2024](https://arxiv.org/abs/2401.04088)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Moe, PreNormLayer, Routing, Scores, SwitchGlu, rename,
    stack_experts,
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
    num_local_experts: i32,
    num_experts_per_tok: i32,
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    rename(weights, &[("block_sparse_moe", "mlp")])?;
    stack_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Moe>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let gate = Gate::Plain(base.activation()?);
        let experts = SwitchGlu::new(base.hidden_size, base.intermediate_size, c.num_local_experts, gate);
        let routing = Routing::new(c.num_experts_per_tok, Scores::SoftmaxOfChosen);
        let moe = Moe::new(base.hidden_size, c.num_local_experts, experts, routing);
        Ok(PreNormLayer::new(Attention::new(base, Some(base.rope(i)?)), moe, norm))
    })
}
