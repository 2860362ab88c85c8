//! Granite 4: Mamba 2 in most layers, attention in the others, and in the larger models a mixture of experts
//! ([IBM](https://www.ibm.com/granite/docs/models/granite)).
//!
//! Steps of the recurrence are bounded by what the file says; Python mlx-lm takes 0.001 to 100 where it says nothing.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, GatedMlp, HybridLm, Logits, Mamba2, Mamba2Sizes,
    Mixer, Moe, PreNormLayer, Routing, Scores, StepLimit, SwitchGlu, orient_convolutions, rename, split_rows,
};
use super::granitemoe::name_experts;
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
    attention_multiplier: f32,
    embedding_multiplier: f32,
    residual_multiplier: f32,
    logits_scaling: f32,
    position_embedding_type: Option<String>,
    /// `None` or zero for models without experts.
    num_local_experts: Option<i32>,
    num_experts_per_tok: i32,
    shared_intermediate_size: i32,
    mamba_n_heads: i32,
    mamba_d_head: HeadDim,
    mamba_d_state: i32,
    mamba_d_conv: i32,
    mamba_n_groups: i32,
    mamba_expand: i32,
    mamba_conv_bias: bool,
    mamba_proj_bias: bool,
    #[serde(default)]
    time_step_limit: StepLimit,
}

/// Features of a head of the recurrence: a number, or `auto`.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum HeadDim {
    Features(i32),
    Named(String),
}

impl Config {
    fn mixer(&self, layer: usize) -> Result<Box<dyn Mixer>> {
        let base = &self.base;
        if base.layer_type(layer) == "full_attention" {
            let rotates = self.position_embedding_type.as_deref() == Some("rope");
            let rope = rotates.then(|| base.rope(layer)).transpose()?;
            let attention = Attention::new(base, rope).with_bias(self.attention_bias, self.attention_bias);
            return Ok(Box::new(attention.with_scale(self.attention_multiplier)));
        }
        let dim = match &self.mamba_d_head {
            HeadDim::Features(dim) => *dim,
            HeadDim::Named(name) if name == "auto" && self.mamba_n_heads > 0 => {
                self.mamba_expand.saturating_mul(base.hidden_size) / self.mamba_n_heads
            }
            HeadDim::Named(name) => {
                return Err(Error::Invalid(format!("config.json: `mamba_d_head` is `{name}`")));
            }
        };
        let sizes = Mamba2Sizes {
            hidden: base.hidden_size,
            heads: self.mamba_n_heads,
            dim,
            groups: self.mamba_n_groups,
            state: self.mamba_d_state,
            window: self.mamba_d_conv,
            steps: self.time_step_limit,
        };
        let mamba = Mamba2::new(sizes, self.rms_norm_eps)?;
        Ok(Box::new(mamba.with_bias(self.mamba_proj_bias, self.mamba_conv_bias)))
    }

    fn mlp(&self) -> Result<Box<dyn FeedForward>> {
        let (hidden, f) = (self.base.hidden_size, self.base.activation()?);
        let shared = GatedMlp::new(hidden, self.shared_intermediate_size, f);
        let Some(count) = self.num_local_experts.filter(|count| *count > 0) else {
            return Ok(Box::new(shared));
        };
        let experts = SwitchGlu::new(hidden, self.base.intermediate_size, count, Gate::Plain(f));
        let routing = Routing::new(self.num_experts_per_tok, Scores::SoftmaxOfChosen);
        Ok(Box::new(Moe::new(hidden, count, experts, routing).with_shared(shared)))
    }
}

/// Takes apart what the checkpoint holds as one matrix, and gives all parts the names and layouts they have here.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    orient_convolutions(weights)?;
    let shared = c.shared_intermediate_size;
    let halves = [("shared_mlp.gate_proj", shared), ("shared_mlp.up_proj", shared)];
    split_rows(weights, "shared_mlp.input_linear", 1, &halves)?;
    let has_experts = c.num_local_experts.is_some_and(|count| count > 0);
    let names = [
        ("mamba", "self_attn"),
        ("shared_mlp.output_linear", "shared_mlp.down_proj"),
        ("shared_mlp", if has_experts { "mlp.shared_expert" } else { "mlp" }),
    ];
    rename(weights, &names)?;
    name_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown; heads that do not fit the groups.
pub fn new(c: &Config) -> Result<HybridLm> {
    let norm = || c.base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(&c.base, norm(), |i| {
        let layer = PreNormLayer::new(c.mixer(i)?, c.mlp()?, norm);
        Ok(layer.with_residual_scale(c.residual_multiplier))
    })?;
    let logits = Logits::Scaled(c.logits_scaling.recip());
    Ok(lm.with_embedding_scale(c.embedding_multiplier).with_logits(logits))
}
