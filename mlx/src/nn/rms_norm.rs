//! Root-mean-square normalization.

use crate::{Array, Dtype, Module, Param, Result, fast, ones};

/// `x / sqrt(mean(x²) + eps) · weight` over the last axis
/// ([Zhang and Sennrich, 2019](https://arxiv.org/abs/1910.07467)).
#[derive(Clone, Debug, Module)]
pub struct RmsNorm {
    weight: Option<Param>,
    #[module(skip)]
    dims: i32,
    #[module(skip)]
    eps: f32,
}

impl RmsNorm {
    /// Over `dims` numbers, with a weight of ones.
    #[track_caller]
    pub fn new(dims: i32, eps: f32) -> RmsNorm {
        RmsNorm { weight: None, dims, eps }.with_affine(true)
    }

    /// With a weight, or without.
    #[track_caller]
    pub fn with_affine(self, affine: bool) -> RmsNorm {
        let weight = affine.then_some(ones(&[self.dims], Dtype::F32).into());
        RmsNorm { weight, ..self }
    }

    /// The normalized `x` `[..., dims]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        fast::rms_norm(x, self.weight.as_deref(), self.eps)
    }
}
