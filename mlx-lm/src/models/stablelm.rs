//! StableLM: layer norms, a part of each head rotated, and in some sizes attention and feed-forward layer side by side
//! ([Bellagente et al., 2024](https://arxiv.org/abs/2402.17834)).

use super::blocks::{
    Attention, Block, CausalLm, DecoderConfig, HeadLayerNorm, ParallelLayer, PreNormLayer, rename,
    stack_numbered,
};
use crate::Result;
use mlx::{Loader, nn::LayerNorm};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    layer_norm_eps: f32,
    use_qkv_bias: bool,
    qk_layernorm: bool,
    use_parallel_residual: bool,
}

/// Makes one norm of those that the checkpoint has for each head.
///
/// # Errors
/// Norms of different sizes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    stack_numbered(weights, "layernorm.norms")?;
    let names = [
        ("self_attn.q_layernorm.norms", "self_attn.q_norm"),
        ("self_attn.k_layernorm.norms", "self_attn.k_norm"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<Box<dyn Block>, LayerNorm>> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let mut attention = Attention::new(base, Some(base.rope(i)?)).with_bias(c.use_qkv_bias, false);
        if c.qk_layernorm {
            let norm = |heads| HeadLayerNorm::new(heads, base.head_dim(), c.layer_norm_eps);
            attention = attention.with_head_norms(norm(base.num_attention_heads), norm(base.kv_heads()));
        }
        let mlp = base.gated_mlp()?;
        Ok(if c.use_parallel_residual {
            Box::new(ParallelLayer::new(attention, mlp, norm())) as Box<dyn Block>
        } else {
            Box::new(PreNormLayer::new(attention, mlp, norm))
        })
    })
}
