//! Normalization over the features of each position.

use crate::{Array, Dtype, Module, Param, Result, fast, ones, zeros};

/// `(x - mean(x)) / sqrt(var(x) + eps) · weight + bias` over the last axis
/// ([Ba et al., 2016](https://arxiv.org/abs/1607.06450)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn::LayerNorm};
/// let x = Array::from_slice(&[1.0f32, 3.0], &[1, 2]);
/// let y = LayerNorm::new(2).forward(&x)?.to_vec::<f32>()?;
/// assert!((y[0] + 1.0).abs() < 1e-4 && (y[1] - 1.0).abs() < 1e-4);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Module)]
pub struct LayerNorm {
    weight: Option<Param>,
    bias: Option<Param>,
    dims: i32,
    eps: f32,
}

impl LayerNorm {
    /// Over `dims` numbers, with a weight of ones, a bias of zeros and an eps of 1e-5.
    #[track_caller]
    pub fn new(dims: i32) -> LayerNorm {
        LayerNorm { weight: None, bias: None, dims, eps: 1e-5 }.with_affine(true)
    }

    /// With another eps.
    pub fn with_eps(self, eps: f32) -> LayerNorm {
        LayerNorm { eps, ..self }
    }

    /// With weight and bias, or without both.
    #[track_caller]
    pub fn with_affine(self, affine: bool) -> LayerNorm {
        let weight = affine.then_some(ones(&[self.dims], Dtype::F32).into());
        LayerNorm { weight, ..self }.with_bias(affine)
    }

    /// With a bias, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> LayerNorm {
        let bias = bias.then_some(zeros(&[self.dims], Dtype::F32).into());
        LayerNorm { bias, ..self }
    }

    /// The normalized `x` `[..., dims]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        fast::layer_norm(x, self.weight.as_deref(), self.bias.as_deref(), self.eps)
    }
}
