//! Normalization over the last axis.

use crate::{
    Array, Result, cpu,
    ffi::ops,
    ops::{
        on_cuda::{has_gradient_of_norm, norm_in_parts},
        reduce::reducible,
    },
};

/// Root-mean-square normalization over the last axis: `x / sqrt(mean(x²) + eps) * weight`
/// ([Zhang and Sennrich, 2019](https://arxiv.org/abs/1910.07467)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, fast};
/// let x = Array::from_slice(&[3.0f32, 3.0], &[1, 2]);
/// let weight = Array::from_slice(&[1.0f32, 2.0], &[2]);
/// assert_eq!(fast::rms_norm(&x, Some(&weight), 0.0)?.to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn rms_norm(x: &Array, weight: Option<&Array>, eps: f32) -> Result<Array> {
    match cpu::rms_norm(x, weight, eps)? {
        Some(y) => Ok(y),
        None => {
            let y = ops::rms_norm(&reducible(x)?, weight, eps)?;
            if has_gradient_of_norm(x)? { Ok(y) } else { norm_in_parts(x, false, weight, None, eps) }
        }
    }
}

/// Layer normalization over the last axis: `(x - mean(x)) / sqrt(var(x) + eps) * weight + bias`, with weight and bias
/// of the last axis's length ([Ba et al., 2016](https://arxiv.org/abs/1607.06450)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::Array::from_slice(&[1.0f32, 3.0], &[1, 2]);
/// assert_eq!(mlx::fast::layer_norm(&x, None, None, 0.0)?.to_vec::<f32>()?, [-1.0, 1.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn layer_norm(x: &Array, weight: Option<&Array>, bias: Option<&Array>, eps: f32) -> Result<Array> {
    match cpu::layer_norm(x, weight, bias, eps)? {
        Some(y) => Ok(y),
        None => {
            let y = ops::layer_norm(&reducible(x)?, weight, bias, eps)?;
            if has_gradient_of_norm(x)? { Ok(y) } else { norm_in_parts(x, true, weight, bias, eps) }
        }
    }
}
