//! Granite 3's mixtures of experts: Granite with experts in place of its feed-forward layers
//! ([Granite Team, 2024](https://github.com/ibm-granite/granite-3.0-language-models)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, Gate, Logits, Moe, PreNormLayer, Routing, Scores, SwitchGlu, rename,
    stack_experts,
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
    logits_scaling: f32,
    attention_multiplier: f32,
    embedding_multiplier: f32,
    residual_multiplier: f32,
    num_local_experts: i32,
    num_experts_per_tok: i32,
}

/// Takes apart what the checkpoint holds as one matrix, and gives all parts the names they have here.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    name_experts(weights)
}

/// The names of Granite's mixtures, as published or as Python mlx-lm writes them, to those of here.
pub(crate) fn name_experts(weights: &Loader) -> mlx::Result<()> {
    let names = [
        ("block_sparse_moe", "mlp"),
        ("mlp.router.layer", "mlp.gate"),
        ("mlp.router", "mlp.gate"),
        // One tensor for all experts, as transformers holds it in memory, or as it is published.
        ("mlp.input_linear.weight", "mlp.experts.gate_up_proj"),
        ("mlp.output_linear.weight", "mlp.experts.down_proj"),
    ];
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
    let lm = CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_scale(c.attention_multiplier);
        let (hidden, gate) = (base.hidden_size, Gate::Plain(base.activation()?));
        let experts = SwitchGlu::new(hidden, base.intermediate_size, c.num_local_experts, gate);
        let routing = Routing::new(c.num_experts_per_tok, Scores::SoftmaxOfChosen);
        let moe = Moe::new(hidden, c.num_local_experts, experts, routing);
        Ok(PreNormLayer::new(attention, moe, norm).with_residual_scale(c.residual_multiplier))
    })?;
    Ok(lm.with_embedding_scale(c.embedding_multiplier).with_logits(Logits::Scaled(c.logits_scaling.recip())))
}
