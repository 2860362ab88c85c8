//! GPT-NeoX and Pythia: layer norms, biases, a part of each head rotated, attention and feed-forward layer side by side
//! ([Black et al., 2022](https://arxiv.org/abs/2204.06745)).
//!
//! Python mlx-lm approximates GELU by `tanh` whatever the configuration asks for.

use super::blocks::{
    Attention, Block, CausalLm, DecoderConfig, Mlp, ParallelLayer, PreNormLayer, rename, split_rows,
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
    attention_bias: bool,
    use_parallel_residual: bool,
}

/// Takes apart queries, keys and values, which lie head by head, and gives all parts the names they have here. Python
/// mlx-lm has other names than the original checkpoint.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.ends_with(".attention.bias") || path.ends_with(".attention.masked_bias"));
    let names = [
        ("gpt_neox", "model"),
        ("model.embed_in", "model.embed_tokens"),
        ("model.h", "model.layers"),
        ("model.final_layer_norm", "model.norm"),
        ("model.embed_out", "lm_head"),
        ("embed_out", "lm_head"),
        ("attention.dense", "self_attn.o_proj"),
        ("mlp.dense_h_to_4h", "mlp.up_proj"),
        ("mlp.dense_4h_to_h", "mlp.down_proj"),
    ];
    rename(weights, &names)?;
    let (heads, dim) = (c.base.num_attention_heads, c.base.head_dim());
    let qkv = [("self_attn.q_proj", dim), ("self_attn.k_proj", dim), ("self_attn.v_proj", dim)];
    split_rows(weights, "attention.query_key_value", heads, &qkv)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<Box<dyn Block>, LayerNorm>> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        let mlp = Mlp::new(base.hidden_size, base.intermediate_size, base.activation()?, true);
        Ok(if c.use_parallel_residual {
            Box::new(ParallelLayer::new(attention, mlp, norm()).with_mlp_norm(norm())) as Box<dyn Block>
        } else {
            Box::new(PreNormLayer::new(attention, mlp, norm))
        })
    })
}
