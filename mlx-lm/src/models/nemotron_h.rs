//! Nemotron-H and Nemotron 3: in each layer one of Mamba 2, attention without positions, a feed-forward layer, and a
//! mixture of experts ([NVIDIA, 2025](https://arxiv.org/abs/2504.03624)).

use super::blocks::{
    Attention, CausalLm, DecoderConfig, FeedForward, Groups, Mamba2, Mamba2Sizes, Mixer, Mlp, Routing,
    Scores, SingleLayer, StepLimit, SwitchMlp, Unmixed, activation, orient_convolutions, rename,
    stack_experts,
};
use crate::{Error, Result};
use mlx::{Array, Dtype, Loader, Module, Param, nn::Linear, zeros};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    mlp_bias: bool,
    mlp_hidden_act: String,
    mamba_num_heads: i32,
    mamba_head_dim: i32,
    mamba_proj_bias: bool,
    n_groups: i32,
    ssm_state_size: i32,
    conv_kernel: i32,
    use_conv_bias: bool,
    #[serde(default)]
    time_step_limit: StepLimit,
    n_routed_experts: i32,
    n_shared_experts: Option<i32>,
    num_experts_per_tok: i32,
    moe_intermediate_size: i32,
    moe_shared_expert_intermediate_size: i32,
    /// Features of what experts see, if they do not see the stream itself.
    moe_latent_size: Option<i32>,
    norm_topk_prob: bool,
    routed_scaling_factor: f32,
    n_group: i32,
    topk_group: i32,
}

impl Config {
    fn mixer(&self, layer: usize) -> Result<Box<dyn Mixer>> {
        let base = &self.base;
        let f = activation(&self.mlp_hidden_act)?;
        Ok(match base.layer_type(layer) {
            "linear_attention" => {
                let sizes = Mamba2Sizes {
                    hidden: base.hidden_size,
                    heads: self.mamba_num_heads,
                    dim: self.mamba_head_dim,
                    groups: self.n_groups,
                    state: self.ssm_state_size,
                    window: self.conv_kernel,
                    steps: self.time_step_limit,
                };
                let mamba = Mamba2::new(sizes, self.rms_norm_eps)?;
                Box::new(mamba.with_bias(self.mamba_proj_bias, self.use_conv_bias))
            }
            "full_attention" => {
                Box::new(Attention::new(base, None).with_bias(self.attention_bias, self.attention_bias))
            }
            "mlp" => Box::new(Unmixed::new(self.mlp(base.intermediate_size)?)),
            "moe" => Box::new(Unmixed::new(LatentMoe {
                gate: Linear::new(base.hidden_size, self.n_routed_experts),
                e_score_correction_bias: zeros(&[self.n_routed_experts], Dtype::F32).into(),
                fc1_latent_proj: self.latent(|latent| [base.hidden_size, latent]),
                switch_mlp: SwitchMlp::new(
                    self.moe_latent_size.unwrap_or(base.hidden_size),
                    self.moe_intermediate_size,
                    self.n_routed_experts,
                    f,
                ),
                fc2_latent_proj: self.latent(|latent| [latent, base.hidden_size]),
                shared_expert: self
                    .n_shared_experts
                    .map(|_| self.mlp(self.moe_shared_expert_intermediate_size))
                    .transpose()?,
                routing: Routing {
                    normalize: self.norm_topk_prob,
                    scale: self.routed_scaling_factor,
                    groups: Some(Groups { count: self.n_group, kept: self.topk_group, best: 2 }),
                    ..Routing::new(self.num_experts_per_tok, Scores::Sigmoid)
                },
            })),
            other => return Err(Error::Invalid(format!("config.json: unknown layer type `{other}`"))),
        })
    }

    fn mlp(&self, hidden: i32) -> Result<Mlp> {
        Ok(Mlp::new(self.base.hidden_size, hidden, activation(&self.mlp_hidden_act)?, self.mlp_bias))
    }

    fn latent(&self, sizes: impl Fn(i32) -> [i32; 2]) -> Option<Linear> {
        let [inputs, outputs] = self.moe_latent_size.map(sizes)?;
        Some(Linear::new(inputs, outputs).with_bias(self.mlp_bias))
    }
}

/// Experts that may see fewer features than the stream has, and a feed-forward layer that all positions share.
#[derive(Debug, Module)]
struct LatentMoe {
    gate: Linear,
    e_score_correction_bias: Param,
    fc1_latent_proj: Option<Linear>,
    switch_mlp: SwitchMlp,
    fc2_latent_proj: Option<Linear>,
    shared_expert: Option<Mlp>,
    #[module(skip)]
    routing: Routing,
}

impl FeedForward for LatentMoe {
    fn forward(&self, x: &Array) -> mlx::Result<Array> {
        let bias = self.e_score_correction_bias.value();
        let (chosen, weights) = self.routing.route(&self.gate.forward(x)?, Some(bias))?;
        let seen = self.fc1_latent_proj.as_ref().map_or(Ok(x.clone()), |down| down.forward(x))?;
        let y = self.switch_mlp.forward(&seen, &chosen)?;
        let y = (y * weights.expand_dims(-1)?).sum(-2)?.astype(x.dtype()?)?;
        let y = self.fc2_latent_proj.as_ref().map_or(Ok(y.clone()), |up| up.forward(&y))?;
        match &self.shared_expert {
            Some(shared) => y.add(shared.forward(x)?),
            None => Ok(y),
        }
    }
}

/// Stacks the experts, and gives all parts the names and layouts they have here.
///
/// # Errors
/// Experts of different shapes.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.starts_with("mtp."));
    orient_convolutions(weights)?;
    let names = [
        ("backbone", "model"),
        ("model.embeddings", "model.embed_tokens"),
        ("model.norm_f", "model.norm"),
        ("mixer.gate.e_score_correction_bias", "mixer.e_score_correction_bias"),
        ("mixer.shared_experts", "mixer.shared_expert"),
        // What stacks experts knows them by this name.
        ("mixer.experts", "mixer.mlp.experts"),
    ];
    rename(weights, &names)?;
    stack_experts(weights)?;
    let names = [
        ("mixer.mlp.switch_mlp", "mixer.switch_mlp"),
        ("switch_mlp.fc1", "switch_mlp.up_proj"),
        ("switch_mlp.fc2", "switch_mlp.down_proj"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers that are unknown; heads that do not fit the groups.
pub fn new(c: &Config) -> Result<CausalLm<SingleLayer<Box<dyn Mixer>>>> {
    let norm = || c.base.rms_norm(c.rms_norm_eps);
    CausalLm::new(&c.base, norm(), |i| Ok(SingleLayer::new(norm(), c.mixer(i)?)))
}
