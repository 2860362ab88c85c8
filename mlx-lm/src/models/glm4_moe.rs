//! GLM-4.5, 4.6 and 4.7: a mixture of experts whose choice a bias balances, first layers without it
//! ([GLM-4.5 Team, 2025](https://arxiv.org/abs/2508.06471)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, GatedMlp, Groups, Moe, MoeLm, PreNormLayer,
    Routing, Scores, SwitchGlu, drop_layers_from, rename, stack_experts,
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
    use_qk_norm: bool,
    moe_intermediate_size: i32,
    n_routed_experts: i32,
    n_shared_experts: Option<i32>,
    num_experts_per_tok: i32,
    norm_topk_prob: bool,
    routed_scaling_factor: f32,
    n_group: i32,
    topk_group: i32,
    first_k_dense_replace: usize,
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_layers_from(weights, c.base.num_hidden_layers);
    rename(
        weights,
        &[("gate.e_score_correction_bias", "e_score_correction_bias"), ("shared_experts", "shared_expert")],
    )?;
    stack_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let mut attention = Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, false);
        if c.use_qk_norm {
            attention = attention.with_head_rms_norms(c.rms_norm_eps);
        }
        let (hidden, inner, f) = (base.hidden_size, c.moe_intermediate_size, base.activation()?);
        let mlp: Box<dyn FeedForward> = if i >= c.first_k_dense_replace {
            let experts = SwitchGlu::new(hidden, inner, c.n_routed_experts, Gate::Plain(f));
            let routing = Routing {
                normalize: c.norm_topk_prob,
                scale: c.routed_scaling_factor,
                groups: Some(Groups { count: c.n_group, kept: c.topk_group, best: 2 }),
                ..Routing::new(c.num_experts_per_tok, Scores::Sigmoid)
            };
            let mut moe =
                Moe::new(hidden, c.n_routed_experts, experts, routing).with_choice_bias(c.n_routed_experts);
            if let Some(count) = c.n_shared_experts.filter(|count| *count > 0) {
                moe = moe.with_shared(GatedMlp::new(hidden, inner * count, f));
            }
            Box::new(moe)
        } else {
            Box::new(base.gated_mlp()?)
        };
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
