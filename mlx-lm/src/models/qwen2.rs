//! Qwen2 and Qwen2.5: Llama with biases on queries, keys and values
//! ([Yang et al., 2024](https://arxiv.org/abs/2407.10671)).

use super::llama::{Config, Llama};
use crate::Result;
use mlx::Loader;

/// The model `config` describes; see [`Llama::new`].
pub fn new(config: &Config, weights: &Loader) -> Result<Llama> {
    let mut config = config.clone();
    config.qkv_bias = true;
    Llama::new(&config, weights)
}
