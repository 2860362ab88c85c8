//! Gemma 3: norms around attention and feed-forward layers and of the queries and keys of each head; five of six layers
//! attend to a window, with rotary embeddings of their own ([Gemma Team, 2025](https://arxiv.org/abs/2503.19786)).

use super::blocks::{Attention, CausalLm, DecoderConfig, GatedMlp, Logits, SandwichLayer, shift_norms};
use crate::Result;
use mlx::{Loader, nn::Activation};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    query_pre_attn_scalar: f32,
    final_logit_softcapping: Option<f32>,
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
pub fn new(c: &Config) -> Result<CausalLm<SandwichLayer<GatedMlp>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_head_rms_norms(c.rms_norm_eps)
            .with_scale(c.query_pre_attn_scalar.powf(-0.5));
        let mlp = GatedMlp::new(base.hidden_size, base.intermediate_size, Activation::GeluApprox);
        Ok(SandwichLayer::new(attention, mlp, norm))
    })?;
    let logits = Logits::capped(c.final_logit_softcapping);
    Ok(lm.with_embedding_scale((base.hidden_size as f32).sqrt()).with_logits(logits))
}
