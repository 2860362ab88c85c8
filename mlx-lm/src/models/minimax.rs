//! MiniMax M2, M2.1 and M2.5: queries and keys normalized over all heads together, and a mixture of experts whose choice
//! a bias balances ([MiniMax, 2025](https://www.minimax.io/news/minimax-m2)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Moe, PreNormLayer, Routing, Scores, SwitchGlu,
    drop_layers_from, rename, stack_experts,
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
    num_local_experts: i32,
    num_experts_per_tok: i32,
    #[serde(default = "yes")]
    use_qk_norm: bool,
}

fn yes() -> bool {
    true
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_layers_from(weights, c.base.num_hidden_layers);
    let names = [("block_sparse_moe", "mlp"), ("gate.e_score_correction_bias", "e_score_correction_bias")];
    rename(weights, &names)?;
    stack_experts(weights)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Moe>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let mut attention = Attention::new(base, Some(base.rope(i)?));
        if c.use_qk_norm {
            attention = attention.with_full_norms(base, c.rms_norm_eps);
        }
        let gate = Gate::Plain(base.activation()?);
        let experts = SwitchGlu::new(base.hidden_size, base.intermediate_size, c.num_local_experts, gate);
        let routing = Routing { normalize: true, ..Routing::new(c.num_experts_per_tok, Scores::Sigmoid) };
        let moe = Moe::new(base.hidden_size, c.num_local_experts, experts, routing);
        Ok(PreNormLayer::new(attention, moe.with_choice_bias(c.num_local_experts), norm))
    })
}
