//! Mamba 2: a recurrence in each layer, and nothing else
//! ([Dao and Gu, 2024](https://arxiv.org/abs/2405.21060)).
//!
//! The norm inside a layer is of groups of features, as many as there are groups of heads; Python mlx-lm normalizes all
//! features together.

use super::blocks::{
    CausalLm, DecoderConfig, Mamba2, Mamba2Sizes, SingleLayer, StepLimit, orient_convolutions, rename,
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
    num_heads: i32,
    #[serde(rename = "head_dim")]
    mamba_head_dim: i32,
    n_groups: i32,
    state_size: i32,
    conv_kernel: i32,
    use_bias: bool,
    use_conv_bias: bool,
    #[serde(default)]
    time_step_limit: StepLimit,
}

/// Gives all parts the names and layouts they have here.
///
/// # Errors
/// Two tensors of one name.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    orient_convolutions(weights)?;
    rename(
        weights,
        &[("backbone", "model"), ("model.embeddings", "model.embed_tokens"), ("model.norm_f", "model.norm")],
    )
}

/// The model that `c` describes.
///
/// # Errors
/// Heads that do not fit the groups.
pub fn new(c: &Config) -> Result<CausalLm<SingleLayer<Mamba2>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    let sizes = Mamba2Sizes {
        hidden: base.hidden_size,
        heads: c.num_heads,
        dim: c.mamba_head_dim,
        groups: c.n_groups,
        state: c.state_size,
        window: c.conv_kernel,
        steps: c.time_step_limit,
    };
    CausalLm::new(base, norm(), |_| {
        let mixer = Mamba2::new(sizes, c.rms_norm_eps)?.with_bias(c.use_bias, c.use_conv_bias);
        Ok(SingleLayer::new(norm(), mixer))
    })
}
