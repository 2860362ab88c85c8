//! LFM2: short convolutions between gates in most layers, attention in the others, and in the larger models a mixture of
//! experts whose choice a bias balances ([Liquid AI, 2025](https://arxiv.org/abs/2511.23404)).

use super::blocks::{
    Attention, CausalConv, CausalLm, DecoderConfig, FeedForward, Gate, HybridLm, Mixer, Moe, PreNormLayer,
    Routing, Scores, SwitchGlu, orient_convolutions, rename, stack_experts,
};
use crate::{LayerCache, Result};
use mlx::{Array, Loader, Module, fast::Mask, nn::Linear};
use serde::Deserialize;

/// The fields of `config.json` that the models read.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    #[serde(rename = "conv_L_cache")]
    conv_window: i32,
    conv_bias: bool,
}

/// Those of the models without experts.
#[derive(Clone, Debug, Deserialize)]
pub struct DenseConfig {
    #[serde(flatten)]
    common: Config,
    block_auto_adjust_ff_dim: bool,
    block_ffn_dim_multiplier: Option<f64>,
    block_multiple_of: i32,
}

/// Those of the models with experts.
#[derive(Clone, Debug, Deserialize)]
pub struct MoeConfig {
    #[serde(flatten)]
    common: Config,
    moe_intermediate_size: i32,
    num_experts: i32,
    num_experts_per_tok: i32,
    num_dense_layers: usize,
    norm_topk_prob: bool,
    routed_scaling_factor: f32,
    use_expert_bias: bool,
}

/// A convolution of what one gate lets in, and another lets out.
#[derive(Debug, Module)]
struct ShortConv {
    in_proj: Linear,
    conv: CausalConv,
    o_proj: Linear,
}

impl Mixer for ShortConv {
    fn forward(&self, x: &Array, _: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let state = cache.state_mut()?;
        let dims = x.dim(-1)?;
        let projected = self.in_proj.forward(x)?;
        let part = |i: i32| projected.at((mlx::Rest, i * dims..(i + 1) * dims));
        let y = part(1)?.multiply(self.conv.forward(&part(0)?.multiply(part(2)?)?, state, 0)?)?;
        state.advance(x.dim(1)?);
        self.o_proj.forward(&y)
    }

    fn new_cache(&self) -> LayerCache {
        LayerCache::state(1)
    }
}

impl Config {
    fn mixer(&self, layer: usize) -> Result<Box<dyn Mixer>> {
        let base = &self.base;
        if base.layer_type(layer) == "full_attention" {
            let attention = Attention::new(base, Some(base.rope(layer)?));
            return Ok(Box::new(attention.with_head_rms_norms(self.rms_norm_eps)));
        }
        let (hidden, bias) = (base.hidden_size, self.conv_bias);
        Ok(Box::new(ShortConv {
            in_proj: Linear::new(hidden, 3 * hidden).with_bias(bias),
            conv: CausalConv::new(hidden, self.conv_window, bias),
            o_proj: Linear::new(hidden, hidden).with_bias(bias),
        }))
    }

    fn model(&self, mlp: impl Fn(usize) -> Result<Box<dyn FeedForward>>) -> Result<HybridLm> {
        let norm = || self.base.rms_norm(self.rms_norm_eps);
        CausalLm::new(&self.base, norm(), |i| Ok(PreNormLayer::new(self.mixer(i)?, mlp(i)?, norm)))
    }
}

/// Gives all parts the names and layouts they have here.
fn rename_parts(weights: &Loader) -> mlx::Result<()> {
    orient_convolutions(weights)?;
    rename(
        weights,
        &[
            ("model.embedding_norm", "model.norm"),
            ("operator_norm", "input_layernorm"),
            ("ffn_norm", "post_attention_layernorm"),
            ("feed_forward", "mlp"),
            ("conv", "self_attn"),
            ("self_attn.out_proj", "self_attn.o_proj"),
            ("self_attn.q_layernorm", "self_attn.q_norm"),
            ("self_attn.k_layernorm", "self_attn.k_norm"),
            ("mlp.w1", "mlp.gate_proj"),
            ("mlp.w2", "mlp.down_proj"),
            ("mlp.w3", "mlp.up_proj"),
            ("mlp.expert_bias", "mlp.e_score_correction_bias"),
        ],
    )
}

/// Gives all parts of a model without experts the names and layouts they have here.
///
/// # Errors
/// Two tensors of one name.
pub fn sanitize(_: &DenseConfig, weights: &Loader) -> mlx::Result<()> {
    rename_parts(weights)
}

/// Stacks the experts, and gives all parts the names and layouts they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize_moe(_: &MoeConfig, weights: &Loader) -> mlx::Result<()> {
    rename_parts(weights)?;
    stack_experts(weights)
}

/// The model without experts that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &DenseConfig) -> Result<HybridLm> {
    let mut base = c.common.base.clone();
    if c.block_auto_adjust_ff_dim {
        let narrow = f64::from(2 * base.intermediate_size / 3) * c.block_ffn_dim_multiplier.unwrap_or(1.0);
        let unit = c.block_multiple_of.max(1);
        base.intermediate_size = unit * (narrow as i32 + unit - 1).div_euclid(unit);
    }
    c.common.model(|_| Ok(Box::new(base.gated_mlp()?)))
}

/// The model with experts that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new_moe(c: &MoeConfig) -> Result<HybridLm> {
    let base = &c.common.base;
    c.common.model(|i| {
        if i < c.num_dense_layers {
            return Ok(Box::new(base.gated_mlp()?));
        }
        let gate = Gate::Plain(base.activation()?);
        let experts = SwitchGlu::new(base.hidden_size, c.moe_intermediate_size, c.num_experts, gate);
        let routing = Routing {
            normalize: c.norm_topk_prob,
            scale: c.routed_scaling_factor,
            ..Routing::new(c.num_experts_per_tok, Scores::Sigmoid)
        };
        let moe = Moe::new(base.hidden_size, c.num_experts, experts, routing);
        Ok(Box::new(if c.use_expert_bias { moe.with_choice_bias(c.num_experts) } else { moe }))
    })
}
