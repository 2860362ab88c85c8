//! dots.llm1: a mixture of experts whose choice a bias balances, first layers without it
//! ([Huo et al., 2025](https://arxiv.org/abs/2506.05767)).

use super::blocks::{Attention, CausalLm, MoeLm, PreNormLayer};
use crate::Result;

/// Fields and tensors are those of DeepSeekMoE.
pub use super::deepseek_v1::{Config, sanitize};

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_head_rms_norms(c.rms_norm_eps);
        Ok(PreNormLayer::new(attention, c.moe.balanced(base, i)?, norm))
    })
}
