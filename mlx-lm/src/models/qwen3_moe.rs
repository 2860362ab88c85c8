//! Qwen3-MoE: Qwen3 with a mixture of experts
//! ([Yang et al., 2025](https://arxiv.org/abs/2505.09388)).
//!
//! Python mlx-lm does not scale rotary embeddings, whatever the configuration asks for.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, Moe, MoeLm, PreNormLayer, Routing, Scores,
    SwitchGlu, one_in, stack_experts,
};
use crate::Result;
use mlx::{Array, Loader};
use serde::Deserialize;
use std::collections::BTreeMap;

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
        self.num_experts > 0 && one_in(self.decoder_sparse_step, layer, &self.mlp_only_layers)
    }
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    orient_experts(c, weights)?;
    stack_experts(weights)
}

/// Qwen3-VL holds all experts as one array, transposed.
pub(crate) fn orient_experts(c: &Config, weights: &Loader) -> mlx::Result<()> {
    let (hidden, inner) = (c.base.hidden_size, c.moe_intermediate_size);
    weights.edit(|tensors| {
        let starts = tensors.keys().filter_map(|path| path.strip_suffix("experts.gate_up_proj"));
        let starts: Vec<String> = starts.map(str::to_owned).collect();
        for start in starts {
            let [up, down] = ["gate_up_proj", "down_proj"].map(|name| format!("{start}experts.{name}"));
            // Where one shape is the same either way, the other is not.
            let transposed = has_shape(tensors, &up, [c.num_experts, hidden, 2 * inner])?
                && has_shape(tensors, &down, [c.num_experts, inner, hidden])?;
            for (_, array) in tensors.iter_mut().filter(|(path, _)| transposed && [&up, &down].contains(path))
            {
                *array = array.swapaxes(-1, -2)?;
            }
        }
        Ok(())
    })
}

fn has_shape(tensors: &BTreeMap<String, Array>, path: &str, shape: [i32; 3]) -> mlx::Result<bool> {
    tensors.get(path).map_or(Ok(false), |array| Ok(array.shape()? == shape))
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
