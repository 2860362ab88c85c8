//! ERNIE 4.5 with a mixture of experts whose choice a bias balances
//! ([Baidu, 2025](https://ernie.baidu.com/blog/publication/ERNIE_Technical_Report.pdf)).
//!
//! Python mlx-lm leaves the bias out.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Gate, GatedMlp, Moe, MoeLm, PreNormLayer, Routing,
    Scores, SwitchGlu, rename, stack_experts,
};
use crate::Result;
use mlx::{Dtype, Loader, zeros};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    use_bias: bool,
    moe_num_experts: i32,
    moe_k: i32,
    moe_intermediate_size: i32,
    moe_num_shared_experts: i32,
    moe_layer_start_index: usize,
    moe_layer_end_index: i64,
    moe_layer_interval: usize,
    #[serde(default)]
    moe_gate_act: GateActivation,
}

/// What makes scores of the router's output.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum GateActivation {
    #[default]
    Softmax,
    Sigmoid,
}

impl Config {
    /// Whether `layer` has a mixture of experts. An end of -1 is the last layer.
    fn is_sparse(&self, layer: usize) -> bool {
        let before_end = usize::try_from(self.moe_layer_end_index).map_or(true, |end| layer <= end);
        (layer + 1).is_multiple_of(self.moe_layer_interval)
            && layer >= self.moe_layer_start_index
            && before_end
    }
}

/// Stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.split('.').any(|part| part.starts_with("mtp_")));
    weights.edit(|tensors| {
        for (_, bias) in tensors.iter_mut().filter(|(path, _)| path.ends_with("e_score_correction_bias")) {
            *bias = bias.reshape([-1])?;
        }
        Ok(())
    })?;
    let names = [
        ("gate.moe_statics", "moe_statics"),
        ("moe_statics.e_score_correction_bias", "e_score_correction_bias"),
        ("shared_experts", "shared_expert"),
    ];
    rename(weights, &names)?;
    stack_experts(weights)?;
    // Checkpoints that Python mlx-lm has converted lack the bias.
    weights.edit(|tensors| {
        for layer in (0..c.base.num_hidden_layers).filter(|layer| c.is_sparse(*layer)) {
            let bias = format!("model.layers.{layer}.mlp.e_score_correction_bias");
            tensors.entry(bias).or_insert_with(|| zeros(&[c.moe_num_experts], Dtype::F32));
        }
        Ok(())
    })
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let rope = base.rope(i)?.traditional(true);
        let attention = Attention::new(base, Some(rope)).with_bias(c.use_bias, c.use_bias);
        let (hidden, inner, f) = (base.hidden_size, c.moe_intermediate_size, base.activation()?);
        let mlp: Box<dyn FeedForward> = if c.is_sparse(i) {
            let experts =
                SwitchGlu::new(hidden, inner, c.moe_num_experts, Gate::Plain(f)).with_bias(c.use_bias);
            let scores = match c.moe_gate_act {
                GateActivation::Softmax => Scores::Softmax,
                GateActivation::Sigmoid => Scores::Sigmoid,
            };
            let routing = Routing { normalize: true, ..Routing::new(c.moe_k, scores) };
            let mut moe =
                Moe::new(hidden, c.moe_num_experts, experts, routing).with_choice_bias(c.moe_num_experts);
            if c.moe_num_shared_experts > 0 {
                let shared = GatedMlp::new(hidden, inner * c.moe_num_shared_experts, f);
                moe = moe.with_shared(shared.with_bias(c.use_bias));
            }
            Box::new(moe)
        } else {
            Box::new(base.gated_mlp()?.with_bias(c.use_bias))
        };
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
