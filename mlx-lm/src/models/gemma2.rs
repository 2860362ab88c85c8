//! Gemma 2: norms around attention and feed-forward layers, scores and logits kept within bounds; every other layer
//! attends to a window ([Gemma Team, 2024](https://arxiv.org/abs/2408.00118)).
//!
//! Python mlx-lm lets all layers attend to all tokens.

use super::blocks::{
    CausalLm, DecoderConfig, GatedMlp, Logits, Mixer, Rope, SandwichLayer, merge_heads, shift_norms,
    soft_capped_attention, split_heads,
};
use crate::{Result, cache::LayerCache};
use mlx::{
    Array, Loader, Module,
    fast::Mask,
    nn::{Activation, Linear},
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    query_pre_attn_scalar: f32,
    attn_logit_softcapping: Option<f32>,
    final_logit_softcapping: Option<f32>,
}

/// Attention with bounded scores.
#[derive(Debug, Module)]
pub struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    rope: Rope,
    dim: i32,
    scale: f32,
    cap: Option<f32>,
}

impl Attention {
    fn new(c: &Config, layer: usize) -> Result<Attention> {
        let (hidden, (q, k)) = (c.base.hidden_size, c.base.qk_features());
        let linear = |inputs, outputs| Linear::new(inputs, outputs).with_bias(c.attention_bias);
        Ok(Attention {
            q_proj: linear(hidden, q),
            k_proj: linear(hidden, k),
            v_proj: linear(hidden, k),
            o_proj: linear(q, hidden),
            rope: c.base.rope(layer)?,
            dim: c.base.head_dim(),
            scale: c.query_pre_attn_scalar.powf(-0.5),
            cap: c.attn_logit_softcapping,
        })
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let q = split_heads(&self.q_proj.forward(x)?, self.dim)?;
        let k = split_heads(&self.k_proj.forward(x)?, self.dim)?;
        let v = split_heads(&self.v_proj.forward(x)?, self.dim)?;
        let (q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        let out = match self.cap {
            Some(cap) => cache.attend_by([&q], &k, &v, mask, |[q], k, v, mask| {
                soft_capped_attention(q, k, v, self.scale, cap, mask)
            })?,
            None => cache.attend(&q, &k, &v, self.scale, mask)?,
        };
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// Adds one to the weights of all norms.
///
/// # Errors
/// A norm that is no array of numbers.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    shift_norms(weights, |path| path.ends_with("norm.weight"))
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<SandwichLayer<GatedMlp, Attention>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let mlp = GatedMlp::new(base.hidden_size, base.intermediate_size, Activation::GeluApprox);
        Ok(SandwichLayer::new(Attention::new(c, i)?, mlp, norm))
    })?;
    let logits = Logits::capped(c.final_logit_softcapping);
    Ok(lm.with_embedding_scale((base.hidden_size as f32).sqrt()).with_logits(logits))
}
