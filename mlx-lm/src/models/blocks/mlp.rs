//! Feed-forward layers.

use mlx::{
    Array, Module, Result,
    nn::{Activation, Linear, PackedLinear, swiglu},
};

/// What a decoder layer does with each position by itself.
pub trait FeedForward: Module {
    /// `x` `[batch, length, dims]` to the same shape.
    fn forward(&self, x: &Array) -> Result<Array>;
}

impl<M: FeedForward + ?Sized> FeedForward for Box<M> {
    fn forward(&self, x: &Array) -> Result<Array> {
        (**self).forward(x)
    }
}

/// The activation that configurations call `name`.
///
/// # Errors
/// [`crate::Error::Invalid`] for an unknown one.
pub fn activation(name: &str) -> crate::Result<Activation> {
    match name {
        "silu" | "swish" => Ok(Activation::Silu),
        "gelu" => Ok(Activation::Gelu),
        "gelu_new" | "gelu_fast" | "gelu_pytorch_tanh" => Ok(Activation::GeluApprox),
        "relu" => Ok(Activation::Relu),
        "relu2" => Ok(Activation::Relu2),
        _ => Err(crate::Error::Invalid(format!("config.json: unknown activation `{name}`"))),
    }
}

/// Gated feed-forward, `down(f(gate(x)) · up(x))`: SwiGLU with SiLU as `f`, GeGLU with GELU
/// ([Shazeer, 2020](https://arxiv.org/abs/2002.05202)).
#[derive(Debug, Module)]
pub struct GatedMlp {
    #[module(flatten)]
    gate_up: PackedLinear<2>,
    down_proj: Linear,
    f: Activation,
}

impl GatedMlp {
    /// From `dims` to `hidden` features and back, without biases.
    pub fn new(dims: i32, hidden: i32, f: Activation) -> GatedMlp {
        GatedMlp {
            gate_up: PackedLinear::new(dims, [("gate_proj", hidden), ("up_proj", hidden)]),
            down_proj: Linear::new(hidden, dims),
            f,
        }
    }

    /// With biases, or without.
    pub fn with_bias(self, bias: bool) -> GatedMlp {
        GatedMlp { gate_up: self.gate_up.with_bias(bias), down_proj: self.down_proj.with_bias(bias), ..self }
    }
}

impl FeedForward for GatedMlp {
    fn forward(&self, x: &Array) -> Result<Array> {
        let [gate, up] = self.gate_up.forward(x)?;
        self.down_proj.forward(&match self.f {
            Activation::Silu => swiglu(&gate, &up)?,
            f => f.forward(&gate)? * up,
        })
    }
}

/// Feed-forward without a gate, `down(f(up(x)))`.
#[derive(Debug, Module)]
pub struct Mlp {
    up_proj: Linear,
    down_proj: Linear,
    f: Activation,
}

impl Mlp {
    /// From `dims` to `hidden` features and back.
    pub fn new(dims: i32, hidden: i32, f: Activation, bias: bool) -> Mlp {
        Mlp {
            up_proj: Linear::new(dims, hidden).with_bias(bias),
            down_proj: Linear::new(hidden, dims).with_bias(bias),
            f,
        }
    }
}

impl FeedForward for Mlp {
    fn forward(&self, x: &Array) -> Result<Array> {
        self.down_proj.forward(&self.f.forward(&self.up_proj.forward(x)?)?)
    }
}
