//! Falcon H1: attention and Mamba 2 side by side in each layer, with multipliers nearly everywhere
//! ([Zuo et al., 2025](https://arxiv.org/abs/2507.22448)).
//!
//! Python mlx-lm multiplies the weights when it converts, but forgets the multiplier of keys, and those of biases.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, GatedMlp, GatedNorm, Logits, Mamba2, Mamba2Sizes, Mixer, Multiplier,
    PreNormLayer, StepLimit, multiply_layers, orient_convolutions, rename,
};
use crate::{LayerCache, Result};
use mlx::{Array, Loader, Module, fast::Mask};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    mlp_bias: bool,
    mamba_d_ssm: Option<i32>,
    mamba_d_state: i32,
    mamba_d_conv: i32,
    mamba_expand: i32,
    mamba_n_groups: i32,
    mamba_n_heads: i32,
    mamba_conv_bias: bool,
    mamba_proj_bias: bool,
    projectors_bias: bool,
    mamba_rms_norm: bool,
    mamba_norm_before_gate: bool,
    #[serde(default)]
    time_step_limit: StepLimit,
    embedding_multiplier: f32,
    lm_head_multiplier: f32,
    attention_in_multiplier: f32,
    attention_out_multiplier: f32,
    key_multiplier: f32,
    ssm_in_multiplier: f32,
    ssm_out_multiplier: f32,
    /// Of the gate, and of what comes out.
    mlp_multipliers: Option<[f32; 2]>,
    /// Of the gate, what is written, how it is written, how it is read, and the steps.
    ssm_multipliers: Option<[f32; 5]>,
}

impl Config {
    /// Features inside the recurrence.
    fn inner(&self) -> i32 {
        self.mamba_d_ssm.unwrap_or(self.mamba_expand.saturating_mul(self.base.hidden_size))
    }

    fn mixer(&self, layer: usize) -> Result<Box<dyn Mixer>> {
        let sizes = Mamba2Sizes {
            hidden: self.base.hidden_size,
            heads: self.mamba_n_heads,
            dim: self.inner() / self.mamba_n_heads.max(1),
            groups: self.mamba_n_groups,
            state: self.mamba_d_state,
            window: self.mamba_d_conv,
            steps: self.time_step_limit,
        };
        let norm = match (self.mamba_rms_norm, self.mamba_norm_before_gate) {
            (false, _) => GatedNorm::None,
            (true, true) => GatedNorm::BeforeGate,
            (true, false) => GatedNorm::BehindGate,
        };
        let mamba = Mamba2::new(sizes, self.rms_norm_eps)?
            .with_bias(self.mamba_proj_bias, self.mamba_conv_bias)
            .with_output_bias(self.projectors_bias)
            .with_norm(norm);
        let attention = Attention::new(&self.base, Some(self.base.rope(layer)?))
            .with_bias(self.attention_bias, self.attention_bias)
            .with_scale(self.base.attention_scale() * self.key_multiplier);
        Ok(Box::new(SideBySide { mamba, attention }))
    }

    /// What multiplies a layer's input, and what its output.
    fn multipliers(&self) -> Vec<(&'static str, Multiplier)> {
        let [gate, down] = self.mlp_multipliers.unwrap_or([1.0; 2]);
        let (inner, groups) = (self.inner(), self.mamba_n_groups.saturating_mul(self.mamba_d_state));
        let sizes = [inner, inner, groups, groups, self.mamba_n_heads];
        let parts = sizes.into_iter().zip(self.ssm_multipliers.unwrap_or([1.0; 5]));
        let rows = parts.flat_map(|(size, factor)| vec![factor; size.max(0) as usize]).collect();
        vec![
            ("embed_tokens", Multiplier::input(self.embedding_multiplier)),
            ("lm_head", Multiplier::output(self.lm_head_multiplier)),
            ("self_attn.q_proj", Multiplier::input(self.attention_in_multiplier)),
            ("self_attn.k_proj", Multiplier::input(self.attention_in_multiplier)),
            ("self_attn.v_proj", Multiplier::input(self.attention_in_multiplier)),
            ("self_attn.o_proj", Multiplier::output(self.attention_out_multiplier)),
            ("mamba.in_proj", Multiplier { input: self.ssm_in_multiplier, output: rows }),
            ("mamba.out_proj", Multiplier::output(self.ssm_out_multiplier)),
            ("feed_forward.gate_proj", Multiplier::output(gate)),
            ("feed_forward.down_proj", Multiplier::output(down)),
        ]
    }
}

/// Attention and a recurrence, both of the same.
#[derive(Debug, Module)]
struct SideBySide {
    mamba: Mamba2,
    attention: Attention,
}

impl Mixer for SideBySide {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let mamba = self.mamba.forward(x, mask, cache.part_mut(0)?)?;
        mamba.add(self.attention.forward(x, mask, cache.part_mut(1)?)?)
    }

    fn new_cache(&self) -> LayerCache {
        LayerCache::List(vec![self.mamba.new_cache(), self.attention.new_cache()])
    }
}

/// Multiplies the weights of a checkpoint that its makers published, which convolutions in PyTorch's order tell; those of
/// Python mlx-lm are multiplied.
fn multiply(c: &Config, weights: &Loader) -> mlx::Result<()> {
    match orient_convolutions(weights)? {
        true => multiply_layers(weights, &c.multipliers()),
        false => Ok(()),
    }
}

/// Multiplies the weights, and those of keys, which the scale of attention does here and nothing in Python mlx-lm.
pub(crate) fn multiply_all(c: &Config, weights: &Loader) -> mlx::Result<()> {
    multiply(c, weights)?;
    multiply_layers(weights, &[("self_attn.k_proj", Multiplier::output(c.key_multiplier))])
}

/// Multiplies the weights, and gives all parts the names they have here.
///
/// # Errors
/// Tensors of other shapes than `c` says; weights to be multiplied that are in a floating-point mode.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    multiply(c, weights)?;
    let names = [
        ("final_layernorm", "norm"),
        ("pre_ff_layernorm", "post_attention_layernorm"),
        ("feed_forward", "mlp"),
        ("self_attn", "self_attn.attention"),
        ("mamba", "self_attn.mamba"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown; heads that do not fit the groups.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<GatedMlp, Box<dyn Mixer>>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        Ok(PreNormLayer::new(c.mixer(i)?, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })?;
    let logits = match base.tie_word_embeddings {
        true => Logits::Scaled(c.lm_head_multiplier / c.embedding_multiplier),
        false => Logits::Plain,
    };
    Ok(lm.with_logits(logits))
}
