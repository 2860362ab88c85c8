//! Normalization.

use mlx::{
    Array, Dtype, Loader, Module, Param, Result, fast,
    nn::{LayerNorm, RmsNorm},
    ones,
};
use std::fmt::Debug;

/// Normalization over the last axis.
pub trait Norm: Module + Debug {
    /// The normalized `x`.
    fn forward(&self, x: &Array) -> Result<Array>;
}

impl Norm for RmsNorm {
    fn forward(&self, x: &Array) -> Result<Array> {
        self.forward(x)
    }
}

impl Norm for LayerNorm {
    fn forward(&self, x: &Array) -> Result<Array> {
        self.forward(x)
    }
}

/// Layer normalization of heads, each with weights of its own.
#[derive(Debug, Module)]
pub struct HeadLayerNorm {
    /// `[heads, dim]`.
    weight: Param,
    eps: f32,
}

impl HeadLayerNorm {
    /// For `heads` heads of `dim` features.
    pub fn new(heads: i32, dim: i32, eps: f32) -> HeadLayerNorm {
        HeadLayerNorm { weight: ones(&[heads, dim], Dtype::F32).into(), eps }
    }
}

impl Norm for HeadLayerNorm {
    fn forward(&self, x: &Array) -> Result<Array> {
        fast::layer_norm(x, None, None, self.eps)?.multiply(&self.weight.expand_dims(1)?)
    }
}

/// Adds one to the weights of the norms that `is_norm` picks by path: some models store how far they are from one.
/// Done once here instead of with each token.
pub fn shift_norms(weights: &Loader, is_norm: impl Fn(&str) -> bool) -> Result<()> {
    weights.edit(|tensors| {
        for (_, weight) in tensors.iter_mut().filter(|(path, _)| is_norm(path)) {
            *weight = weight.add(1.0)?;
        }
        Ok(())
    })
}
