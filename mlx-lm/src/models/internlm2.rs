//! InternLM2: Llama under other names, with queries, keys and values fused group by group
//! ([Cai et al., 2024](https://arxiv.org/abs/2403.17297)).

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, PreNormLayer, rename, split_rows},
    llama::Llama,
};
use crate::Result;
use mlx::Loader;
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    bias: bool,
    #[serde(default)]
    rope_traditional: bool,
}

/// Takes apart what the checkpoint holds as one matrix, and gives all parts Llama's names.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.ends_with("rope.inv_freq"));
    let names = [
        ("model.tok_embeddings", "model.embed_tokens"),
        ("output", "lm_head"),
        ("attention_norm", "input_layernorm"),
        ("ffn_norm", "post_attention_layernorm"),
        ("attention", "self_attn"),
        ("self_attn.wo", "self_attn.o_proj"),
        ("feed_forward.w1", "mlp.gate_proj"),
        ("feed_forward.w2", "mlp.down_proj"),
        ("feed_forward.w3", "mlp.up_proj"),
    ];
    rename(weights, &names)?;
    let (groups, dim) = (c.base.kv_heads(), c.base.head_dim());
    let queries = c.base.num_attention_heads / groups * dim;
    let qkv = [("self_attn.q_proj", queries), ("self_attn.k_proj", dim), ("self_attn.v_proj", dim)];
    split_rows(weights, "self_attn.wqkv", groups, &qkv)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rope = base.rope(i)?.traditional(c.rope_traditional);
        let attention = Attention::new(base, Some(rope)).with_bias(c.bias, c.bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
