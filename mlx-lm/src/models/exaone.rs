//! EXAONE 3 and 3.5: Llama under the names of GPT-2
//! ([LG AI Research, 2024](https://arxiv.org/abs/2412.04862)).

use super::{
    blocks::{Attention, CausalLm, DecoderConfig, PreNormLayer, rename},
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
    attention_bias: bool,
    mlp_bias: bool,
}

/// Gives all parts Llama's names.
///
/// # Errors
/// Tensors of both names.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    let names = [
        ("transformer.wte", "model.embed_tokens"),
        ("transformer.h", "model.layers"),
        ("transformer.ln_f", "model.norm"),
        ("ln_1", "input_layernorm"),
        ("ln_2", "post_attention_layernorm"),
        ("attn.attention", "self_attn"),
        ("self_attn.out_proj", "self_attn.o_proj"),
        ("mlp.c_fc_0", "mlp.gate_proj"),
        ("mlp.c_fc_1", "mlp.up_proj"),
        ("mlp.c_proj", "mlp.down_proj"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        Ok(PreNormLayer::new(attention, base.gated_mlp()?.with_bias(c.mlp_bias), norm))
    })
}
