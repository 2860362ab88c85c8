//! Feed-forward layers.

use mlx::{
    Array, Module, Result,
    nn::{Linear, swiglu},
};

/// Gated feed-forward, `down(silu(gate(x)) · up(x))` ([Shazeer, 2020](https://arxiv.org/abs/2002.05202)).
#[derive(Debug, Module)]
pub struct SwiGlu {
    gate_proj: Linear,
    up_proj: Linear,
    down_proj: Linear,
}

impl SwiGlu {
    /// From `dims` to `hidden` features and back.
    pub fn new(dims: i32, hidden: i32, bias: bool) -> SwiGlu {
        SwiGlu {
            gate_proj: Linear::new(dims, hidden).with_bias(bias),
            up_proj: Linear::new(dims, hidden).with_bias(bias),
            down_proj: Linear::new(hidden, dims).with_bias(bias),
        }
    }

    /// `x` `[..., dims]` to the same shape.
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.down_proj.forward(&swiglu(&self.gate_proj.forward(x)?, &self.up_proj.forward(x)?)?)
    }
}
