//! Root-mean-square normalization.

use crate::{Array, Dtype, Module, Param, Result, fast, ones};

/// `x / sqrt(mean(x²) + eps) · weight` over the last axis.
#[derive(Clone, Debug, Module)]
pub struct RmsNorm {
    weight: Param,
    #[module(skip)]
    eps: f32,
}

impl RmsNorm {
    /// Over `dims` numbers, with a weight of ones.
    #[track_caller]
    pub fn new(dims: i32, eps: f32) -> RmsNorm {
        RmsNorm { weight: ones(&[dims], Dtype::F32).into(), eps }
    }

    /// The normalized `x` `[..., dims]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        fast::rms_norm(x, Some(&self.weight), self.eps)
    }
}
