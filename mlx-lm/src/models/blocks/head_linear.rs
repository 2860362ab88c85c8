//! Linear layers of which each head has its own.

use mlx::{Array, Dtype, Module, Result, nn::Weight, zeros};

/// A matrix per head, `[heads, outputs, inputs]`, for dense and quantized checkpoints alike.
#[derive(Debug, Module)]
pub struct HeadLinear {
    #[module(flatten)]
    weight: Weight,
    /// Whether the matrices are `[heads, inputs, outputs]`.
    transposed: bool,
}

impl HeadLinear {
    /// Matrices of zeros; if they are `transposed`, `[heads, inputs, outputs]`.
    pub fn new(heads: i32, inputs: i32, outputs: i32, transposed: bool) -> HeadLinear {
        let shape = if transposed { [heads, inputs, outputs] } else { [heads, outputs, inputs] };
        HeadLinear { weight: Weight::Dense(zeros(&shape, Dtype::F32).into()), transposed }
    }

    /// `x` `[batch, heads, length, inputs]` to `[batch, heads, length, outputs]`; one head of `x` goes through all.
    pub fn forward(&self, x: &Array) -> Result<Array> {
        self.multiply(x, !self.transposed)
    }

    /// `x` `[batch, heads, length, outputs]` through the transposed matrices to `[batch, heads, length, inputs]`.
    pub fn back(&self, x: &Array) -> Result<Array> {
        self.multiply(x, self.transposed)
    }

    fn multiply(&self, x: &Array, transpose: bool) -> Result<Array> {
        match (&self.weight, transpose) {
            (Weight::Dense(weight), true) => x.matmul(&weight.swapaxes(-1, -2)?),
            (Weight::Dense(weight), false) => x.matmul(weight),
            (Weight::Quantized(weight), true) => weight.project(x),
            (Weight::Quantized(weight), false) => weight.project_back(x),
        }
    }
}
