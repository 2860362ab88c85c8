//! Hunyuan's dense models: Llama with queries and keys of each head normalized behind their rotary embeddings
//! ([Tencent, 2025](https://github.com/Tencent-Hunyuan/Hunyuan-7B)).

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
    use_qk_norm: bool,
}

/// Gives the norms of heads the names they have here.
///
/// # Errors
/// Tensors of both names.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    rename(weights, &[("query_layernorm", "q_norm"), ("key_layernorm", "k_norm")])
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<Llama> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let mut attention =
            Attention::new(base, Some(base.rope(i)?)).with_bias(c.attention_bias, c.attention_bias);
        if c.use_qk_norm {
            attention = attention.with_head_rms_norms(c.rms_norm_eps).normed_when_rotated();
        }
        Ok(PreNormLayer::new(attention, base.gated_mlp()?, norm))
    })
}
