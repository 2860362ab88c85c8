//! Qwen1.5-MoE and Qwen2-MoE: Qwen2 with a mixture of experts and a gated feed-forward layer for all positions
//! ([Yang et al., 2024](https://arxiv.org/abs/2407.10671)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, GatedMlp, Moe, MoeLm, PreNormLayer, Routing,
    Scores, SwitchGlu, one_in, stack_experts,
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
    qkv_bias: bool,
    shared_expert_intermediate_size: i32,
    num_experts: i32,
    num_experts_per_tok: i32,
    norm_topk_prob: bool,
    moe_intermediate_size: i32,
    decoder_sparse_step: usize,
    #[serde(default)]
    mlp_only_layers: Vec<usize>,
}

impl Config {
    /// Whether `layer` has a mixture of experts.
    fn is_sparse(&self, layer: usize) -> bool {
        self.num_experts > 0 && one_in(self.decoder_sparse_step, layer, &self.mlp_only_layers)
    }
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
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?)).with_bias(c.qkv_bias, false);
        let (hidden, f) = (base.hidden_size, base.activation()?);
        let mlp: Box<dyn FeedForward> = if c.is_sparse(i) {
            let experts = SwitchGlu::new(hidden, c.moe_intermediate_size, c.num_experts, Gate::Plain(f));
            let routing = Routing {
                normalize: c.norm_topk_prob,
                ..Routing::new(c.num_experts_per_tok, Scores::Softmax)
            };
            let shared = GatedMlp::new(hidden, c.shared_expert_intermediate_size, f);
            Box::new(
                Moe::new(hidden, c.num_experts, experts, routing)
                    .with_shared(shared)
                    .with_shared_gate(hidden),
            )
        } else {
            Box::new(base.gated_mlp()?)
        };
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
