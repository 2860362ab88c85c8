//! Gradients kept within bounds.

use crate::{Array, Dtype, Error, Operand, Parameters, Result, error::at_caller};

/// Scales all gradients down together, so that their norm (the root of the sum of all squares) is at most `max_norm`.
/// Returns them with the norm they had. Floating-point dtypes stay.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Parameters, optimizers::clip_grad_norm};
/// let gradients = Parameters::from([("w".to_owned(), Array::from_slice(&[3.0f32, 4.0], &[2]))]);
/// let (clipped, norm) = clip_grad_norm(&gradients, 1.0)?;
/// assert_eq!(norm.item::<f32>()?, 5.0);
/// assert!((clipped["w"].to_vec::<f32>()?[0] - 0.6).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A `max_norm` that is negative or NaN.
#[track_caller]
pub fn clip_grad_norm(gradients: &Parameters, max_norm: f64) -> Result<(Parameters, Array)> {
    clip_grad_norm_by("clip_grad_norm", gradients, max_norm, Ok)
}

/// [`clip_grad_norm`] by the norm whose square `all` makes of the sum of these gradients' squares.
#[track_caller]
pub(crate) fn clip_grad_norm_by(
    op: &'static str,
    gradients: &Parameters,
    max_norm: f64,
    all: impl FnOnce(Array) -> Result<Array>,
) -> Result<(Parameters, Array)> {
    if max_norm.is_nan() || max_norm < 0.0 {
        return Err(Error::invalid(op, format!("max_norm must be at least 0, not {max_norm}")));
    }
    at_caller(clipped(gradients, max_norm, all))
}

fn clipped(
    gradients: &Parameters,
    max_norm: f64,
    all: impl FnOnce(Array) -> Result<Array>,
) -> Result<(Parameters, Array)> {
    let squares = gradients.values().map(squared_norm).reduce(|sum, next| sum?.add(next?));
    let norm = all(squares.unwrap_or_else(|| Ok(Array::scalar(0.0f32)))?)?.sqrt()?;
    let factor = max_norm.into_array(norm.dtype()?)?.divide(&norm + 1e-6)?.minimum(1.0)?;
    let scaled = |(path, gradient): (&String, &Array)| Ok((path.clone(), scale(gradient, &factor)?));
    Ok((gradients.iter().map(scaled).collect::<Result<_>>()?, norm))
}

/// The sum of squares; of `F16`, which would overflow, in `F32`.
fn squared_norm(gradient: &Array) -> Result<Array> {
    match gradient.dtype()? {
        Dtype::F16 => gradient.astype(Dtype::F32)?.square()?.sum(..),
        _ => gradient.square()?.sum(..),
    }
}

/// Casts after the product, because a small factor would underflow in `F16`.
fn scale(gradient: &Array, factor: &Array) -> Result<Array> {
    let scaled = gradient.multiply(factor)?;
    let dtype = gradient.dtype()?;
    if dtype.is_float() { scaled.astype(dtype) } else { Ok(scaled) }
}
