//! Phi-1.5 and Phi-2: attention and feed-forward layer side by side, a part of each head rotated
//! ([Li et al., 2023](https://arxiv.org/abs/2309.05463)).

use super::blocks::{Attention, CausalLm, DecoderConfig, Mlp, ParallelLayer, rename};
use crate::Result;
use mlx::{Loader, nn::LayerNorm};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    layer_norm_eps: f32,
    qk_layernorm: bool,
}

/// Gives all parts the names they have here.
///
/// # Errors
/// Tensors of both names.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    let names = [
        ("model.final_layernorm", "model.norm"),
        ("self_attn.dense", "self_attn.o_proj"),
        ("self_attn.q_layernorm", "self_attn.q_norm"),
        ("self_attn.k_layernorm", "self_attn.k_norm"),
        ("mlp.fc1", "mlp.up_proj"),
        ("mlp.fc2", "mlp.down_proj"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<ParallelLayer<Mlp, LayerNorm>, LayerNorm>> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    let lm = CausalLm::new(base, norm(), |i| {
        let mut attention = Attention::new(base, Some(base.rope(i)?)).with_bias(true, true);
        if c.qk_layernorm {
            let norm = || LayerNorm::new(base.head_dim()).with_eps(c.layer_norm_eps);
            attention = attention.with_head_norms(norm(), norm());
        }
        let mlp = Mlp::new(base.hidden_size, base.intermediate_size, base.activation()?, true);
        Ok(ParallelLayer::new(attention, mlp, norm()))
    })?;
    Ok(lm.with_head_bias(true))
}
