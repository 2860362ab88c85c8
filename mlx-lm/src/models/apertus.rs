//! Apertus: Llama with queries and keys of each head normalized, and feed-forward layers without a gate whose activation is
//! learned ([Apertus Team, 2025](https://arxiv.org/abs/2509.14233)).

use super::blocks::{Attention, CausalLm, DecoderConfig, FeedForward, PreNormLayer, rename};
use crate::{Error, Result};
use mlx::{
    Array, Dtype, Loader, Module, Param,
    nn::{Linear, softplus},
    zeros,
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    hidden_act: String,
    attention_bias: bool,
}

/// xIELU ([Huang and Schlag, 2024](https://arxiv.org/abs/2411.13010)): quadratic above zero, nearly exponential below. All
/// parameters are `[1]`.
#[derive(Debug, Module)]
struct Xielu {
    alpha_p: Param,
    alpha_n: Param,
    beta: Param,
    eps: Param,
}

impl Xielu {
    const PARAMETERS: [&str; 4] = ["alpha_p", "alpha_n", "beta", "eps"];

    fn new() -> Xielu {
        let number = || zeros(&[1], Dtype::F32).into();
        Xielu { alpha_p: number(), alpha_n: number(), beta: number(), eps: number() }
    }

    fn forward(&self, x: &Array) -> mlx::Result<Array> {
        let positive = x.square()? * softplus(&self.alpha_p)?;
        let falling = softplus(&self.alpha_n)? + self.beta.value();
        let negative = (x.minimum(self.eps.value())?.expm1()? - x) * falling;
        x.greater(0.0)?.where_(positive, &negative)?.add(x * self.beta.value())
    }
}

/// Feed-forward without a gate.
#[derive(Debug, Module)]
pub struct XieluMlp {
    up_proj: Linear,
    down_proj: Linear,
    act_fn: Xielu,
}

impl FeedForward for XieluMlp {
    fn forward(&self, x: &Array) -> mlx::Result<Array> {
        self.down_proj.forward(&self.act_fn.forward(&self.up_proj.forward(x)?)?)
    }
}

/// Gives all parts the names and shapes they have here.
///
/// # Errors
/// Tensors of both names; an activation with more than one number in a parameter.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    let names =
        [("attention_layernorm", "input_layernorm"), ("feedforward_layernorm", "post_attention_layernorm")];
    rename(weights, &names)?;
    shape_activations(weights, &[1])
}

/// Gives the parameters of activations this shape: `[1]` in transformers, none in Python mlx-lm.
pub(crate) fn shape_activations(weights: &Loader, shape: &[i32]) -> mlx::Result<()> {
    weights.edit(|tensors| {
        let is_ours =
            |path: &str| Xielu::PARAMETERS.iter().any(|name| path.ends_with(&format!(".act_fn.{name}")));
        for (_, number) in tensors.iter_mut().filter(|(path, _)| is_ours(path)) {
            *number = number.reshape(shape)?;
        }
        Ok(())
    })
}

/// The model that `c` describes.
///
/// # Errors
/// Another activation; kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<XieluMlp>>> {
    let base = &c.base;
    if c.hidden_act != "xielu" {
        return Err(Error::Invalid(format!(
            "config.json: unknown activation `{}`, expected `xielu`",
            c.hidden_act
        )));
    }
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let attention = Attention::new(base, Some(base.rope(i)?))
            .with_bias(c.attention_bias, c.attention_bias)
            .with_head_rms_norms(c.rms_norm_eps);
        let mlp = XieluMlp {
            up_proj: Linear::new(base.hidden_size, base.intermediate_size),
            down_proj: Linear::new(base.intermediate_size, base.hidden_size),
            act_fn: Xielu::new(),
        };
        Ok(PreNormLayer::new(attention, mlp, norm))
    })
}
