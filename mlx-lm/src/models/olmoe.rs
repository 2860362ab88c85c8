//! OLMoE: a mixture of many small experts, norms over all heads of queries and of keys
//! ([Muennighoff et al., 2024](https://arxiv.org/abs/2409.02060)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Moe, PreNormLayer, Routing, Scores, SwitchGlu, stack_experts,
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
    attention_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    clip_qkv: Option<f32>,
    num_experts: i32,
    num_experts_per_tok: i32,
    norm_topk_prob: bool,
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
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
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_full_norms(base, c.rms_norm_eps)
            .with_clip(c.clip_qkv);
        let gate = Gate::Plain(base.activation()?);
        let experts = SwitchGlu::new(base.hidden_size, base.intermediate_size, c.num_experts, gate);
        let routing =
            Routing { normalize: c.norm_topk_prob, ..Routing::new(c.num_experts_per_tok, Scores::Softmax) };
        let moe = Moe::new(base.hidden_size, c.num_experts, experts.with_bias(c.mlp_bias), routing);
        Ok(PreNormLayer::new(attention, moe, norm))
    })
}
