//! Qwen3-MoE: Qwen3 with a mixture of experts
//! ([Yang et al., 2025](https://arxiv.org/abs/2505.09388)).
//!
//! Python mlx-lm does not scale rotary embeddings, whatever the configuration asks for.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, Moe, MoeLm, PreNormLayer, Routing, Scores,
    SwitchGlu, stack_experts,
};
use crate::Result;
use mlx::{Array, Loader};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
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
        let step = self.decoder_sparse_step;
        self.num_experts > 0
            && !self.mlp_only_layers.contains(&layer)
            && step > 0
            && (layer + 1).is_multiple_of(step)
    }
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    // Qwen3-VL holds all experts as one array, transposed.
    let transposed = [c.num_experts, c.base.hidden_size, 2 * c.moe_intermediate_size];
    weights.edit(|tensors| {
        let shape = |path: &str, array: &Array| match path.ends_with("experts.gate_up_proj") {
            true => array.shape().map(|shape| shape == transposed),
            false => Ok(false),
        };
        let found =
            tensors.iter().map(|(path, array)| shape(path, array)).collect::<mlx::Result<Vec<_>>>()?;
        let experts =
            tensors.iter_mut().filter(|(path, _)| path.contains("mlp.experts.") && path.ends_with("_proj"));
        for (_, array) in experts.filter(|_| found.contains(&true)) {
            *array = array.swapaxes(-1, -2)?;
        }
        Ok(())
    })?;
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
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_head_rms_norms(c.rms_norm_eps);
        let hidden = base.hidden_size;
        let mlp: Box<dyn FeedForward> = if c.is_sparse(i) {
            let gate = Gate::Plain(base.activation()?);
            let experts = SwitchGlu::new(hidden, c.moe_intermediate_size, c.num_experts, gate);
            let routing = Routing {
                normalize: c.norm_topk_prob,
                ..Routing::new(c.num_experts_per_tok, Scores::Softmax)
            };
            Box::new(Moe::new(hidden, c.num_experts, experts, routing))
        } else {
            Box::new(base.gated_mlp()?)
        };
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
