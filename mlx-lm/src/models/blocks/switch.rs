//! Feed-forward layers of which each position takes a few: experts.

use mlx::{
    Array, Module, Result,
    nn::{Activation, SwitchLinear},
};

/// How a gated feed-forward layer joins its two halves.
#[derive(Clone, Copy, Debug)]
pub enum Gate {
    /// `f(gate) · up`.
    Plain(Activation),
    /// SwiGLU of gpt-oss, with both halves within `limit` (the gate from above only):
    /// `gate · sigmoid(alpha · gate) · (up + 1)`.
    Clipped {
        /// Steepness of the sigmoid.
        alpha: f32,
        /// The bound.
        limit: f32,
    },
}

impl Gate {
    fn join(self, gate: &Array, up: &Array) -> Result<Array> {
        match self {
            Gate::Plain(f) => f.forward(gate)?.multiply(up),
            Gate::Clipped { alpha, limit } => {
                let gate = gate.minimum(limit)?;
                let up = up.maximum(-limit)?.minimum(limit)?;
                gate.multiply((&gate * alpha).sigmoid()?)?.multiply(up + 1.0)
            }
        }
    }
}

/// Gated feed-forward layers, `down(gate(x) joined with up(x))`, as many as there are experts.
#[derive(Debug, Module)]
pub struct SwitchGlu {
    gate_proj: SwitchLinear,
    up_proj: SwitchLinear,
    down_proj: SwitchLinear,
    #[module(skip)]
    gate: Gate,
}

impl SwitchGlu {
    /// `experts` layers from `dims` to `hidden` features and back, without biases.
    pub fn new(dims: i32, hidden: i32, experts: i32, gate: Gate) -> SwitchGlu {
        SwitchGlu {
            gate_proj: SwitchLinear::new(dims, hidden, experts),
            up_proj: SwitchLinear::new(dims, hidden, experts),
            down_proj: SwitchLinear::new(hidden, dims, experts),
            gate,
        }
    }

    /// With biases, or without.
    pub fn with_bias(self, bias: bool) -> SwitchGlu {
        SwitchGlu {
            gate_proj: self.gate_proj.with_bias(bias),
            up_proj: self.up_proj.with_bias(bias),
            down_proj: self.down_proj.with_bias(bias),
            gate: self.gate,
        }
    }

    /// `x` `[batch, length, dims]` through the experts at `indices` `[batch, length, choices]`:
    /// `[batch, length, choices, dims]`.
    pub fn forward(&self, x: &Array, indices: &Array) -> Result<Array> {
        by_expert(x, indices, |x, indices, sorted| self.apply(x, indices, sorted))
    }

    fn apply(&self, x: &Array, indices: &Array, sorted: bool) -> Result<Array> {
        let gate = self.gate_proj.forward(x, indices, sorted)?;
        let up = self.up_proj.forward(x, indices, sorted)?;
        self.down_proj.forward(&self.gate.join(&gate, &up)?, indices, sorted)
    }
}

/// Feed-forward layers without a gate, `down(f(up(x)))`, as many as there are experts.
#[derive(Debug, Module)]
pub struct SwitchMlp {
    up_proj: SwitchLinear,
    down_proj: SwitchLinear,
    f: Activation,
}

impl SwitchMlp {
    /// `experts` layers from `dims` to `hidden` features and back, without biases.
    pub fn new(dims: i32, hidden: i32, experts: i32, f: Activation) -> SwitchMlp {
        SwitchMlp {
            up_proj: SwitchLinear::new(dims, hidden, experts),
            down_proj: SwitchLinear::new(hidden, dims, experts),
            f,
        }
    }

    /// As [`SwitchGlu::forward`].
    pub fn forward(&self, x: &Array, indices: &Array) -> Result<Array> {
        by_expert(x, indices, |x, indices, sorted| {
            let hidden = self.f.forward(&self.up_proj.forward(x, indices, sorted)?)?;
            self.down_proj.forward(&hidden, indices, sorted)
        })
    }
}

/// From this many choices on, positions with the same expert are brought together: each expert's weights are then read
/// once.
const WORTH_SORTING: i32 = 64;

/// `x` `[batch, length, dims]` by `apply` through the experts at `indices` `[batch, length, choices]`:
/// `[batch, length, choices, dims]`. `apply` gets rows `[..., 1, dims]`, the expert of each, and whether these ascend.
fn by_expert(
    x: &Array,
    indices: &Array,
    apply: impl Fn(&Array, &Array, bool) -> Result<Array>,
) -> Result<Array> {
    let [batch, length, choices] = indices.dims()?;
    if batch * length * choices < WORTH_SORTING {
        let x = x.expand_dims(-2)?.expand_dims(-2)?;
        return apply(&x, indices, false)?.squeeze(-2);
    }
    let flat = indices.reshape([-1])?;
    let order = flat.argsort(0)?;
    let rows = x.reshape([batch * length, 1, -1])?.take(&order.floor_divide(choices)?, 0)?;
    let y = apply(&rows, &flat.take(&order, 0)?, true)?;
    y.take(&order.argsort(0)?, 0)?.reshape([batch, length, choices, -1])
}
