//! Hunyuan's mixtures of experts, as Hunyuan-A13B: the attention of its dense models, and a feed-forward layer for all
//! positions beside the experts ([Tencent, 2025](https://github.com/Tencent-Hunyuan/Hunyuan-A13B)).
//!
//! Weights of the chosen experts sum to one; Python mlx-lm, which calls the model `hunyuan`, leaves them as they are.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Moe, PreNormLayer, Routing, Scores, SwitchGlu, rename,
    stack_experts,
};
use crate::{Error, Result};
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    num_experts: i32,
    moe_topk: PerLayer,
    /// Whether layers attend to the keys and values of others.
    #[serde(default)]
    use_cla: bool,
}

/// A number for all layers, or for each.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum PerLayer {
    All(i32),
    Each(Vec<i32>),
}

impl PerLayer {
    fn of(&self, layer: usize) -> Option<i32> {
        match self {
            PerLayer::All(number) => Some(*number),
            PerLayer::Each(numbers) => numbers.get(layer).copied(),
        }
    }
}

impl Config {
    fn moe(&self, layer: usize) -> Result<Moe> {
        let base = &self.base;
        let choices = self.moe_topk.of(layer).filter(|choices| (1..=self.num_experts).contains(choices));
        let choices = choices.ok_or_else(|| {
            Error::Invalid(format!("config.json: `moe_topk` has no number of experts for layer {layer}"))
        })?;
        let experts = SwitchGlu::new(
            base.hidden_size,
            base.intermediate_size,
            self.num_experts,
            Gate::Plain(base.activation()?),
        );
        let routing = Routing { normalize: true, ..Routing::new(choices, Scores::Softmax) };
        Ok(Moe::new(base.hidden_size, self.num_experts, experts, routing).with_shared(base.gated_mlp()?))
    }
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    let names = [
        ("query_layernorm", "q_norm"),
        ("key_layernorm", "k_norm"),
        ("gate.wg", "gate"),
        ("shared_mlp", "shared_expert"),
    ];
    rename(weights, &names)?;
    stack_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown, and layers that attend to the keys and values of others.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Moe>>> {
    if c.use_cla {
        return Err(Error::Invalid("config.json: `use_cla` (Hunyuan-Large) is not supported".into()));
    }
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_head_rms_norms(c.rms_norm_eps)
            .normed_when_rotated();
        Ok(PreNormLayer::new(attention, c.moe(i)?, norm))
    })
}
