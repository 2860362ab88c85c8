//! Linear layers of which each head has its own.

use mlx::{Array, Dtype, Module, Result, nn::Weight, zeros};

/// A matrix per head, `[heads, outputs, inputs]`, for dense and quantized checkpoints alike.
#[derive(Debug, Module)]
pub struct HeadLinear {
    #[module(flatten)]
    weight: Weight,
}

impl HeadLinear {
    /// Matrices of zeros.
    pub fn new(heads: i32, inputs: i32, outputs: i32) -> HeadLinear {
        HeadLinear { weight: Weight::Dense(zeros(&[heads, outputs, inputs], Dtype::F32).into()) }
    }

    /// `x` `[batch, heads, length, inputs]` to `[batch, heads, length, outputs]`; one head of `x` goes through all.
    pub fn forward(&self, x: &Array) -> Result<Array> {
        match &self.weight {
            Weight::Dense(weight) => x.matmul(&weight.swapaxes(-1, -2)?),
            Weight::Quantized(weight) => weight.project(x),
        }
    }

    /// `x` `[batch, heads, length, outputs]` through the transposed matrices to `[batch, heads, length, inputs]`.
    pub fn back(&self, x: &Array) -> Result<Array> {
        match &self.weight {
            Weight::Dense(weight) => x.matmul(weight),
            Weight::Quantized(weight) => weight.project_back(x),
        }
    }
}
