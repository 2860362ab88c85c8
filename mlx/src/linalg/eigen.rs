//! Eigenvalues and eigenvectors.

use super::{Finite, REAL_OR_COMPLEX, Triangle, square};
use crate::{Array, Result, ffi::linalg as ops};

/// The eigenvalues `[..., n]` of square matrices, `C64` too, and their eigenvectors, the columns of `[..., n, n]`: both
/// `C64`, in no order.
///
/// A matrix with infinite or NaN elements gives NaN.
#[track_caller]
pub fn eig(a: &Array) -> Result<(Array, Array)> {
    square("eig", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    let (values, vectors) = supported!("eig", ops::eig(&finite.array))?;
    Ok((finite.mark(&values, 1)?, finite.mark(&vectors, 2)?))
}

/// The eigenvalues alone: the first part of [`eig`].
#[track_caller]
pub fn eigvals(a: &Array) -> Result<Array> {
    square("eigvals", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    finite.mark(&supported!("eigvals", ops::eigvals(&finite.array))?, 1)
}

/// The eigenvalues `[..., n]` of symmetric matrices (of Hermitian ones for `C64`), ascending, and their orthonormal
/// eigenvectors, the columns of `[..., n, n]`. Only the given triangle is read.
///
/// A matrix with infinite or NaN elements gives NaN.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg::{self, Triangle}};
/// let a = Array::from_slice(&[2.0f32, 1.0, 1.0, 2.0], &[2, 2]);
/// let (values, vectors) = linalg::eigh(&a, Triangle::Lower)?;
/// let error = (a.matmul(&vectors)? - &vectors * &values).abs()?.max(..)?;
/// assert!(error.item::<f32>()? < 1e-5);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn eigh(a: &Array, triangle: Triangle) -> Result<(Array, Array)> {
    square("eigh", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    let (values, vectors) = supported!("eigh", ops::eigh(&finite.array, triangle.name()))?;
    Ok((finite.mark(&values, 1)?, finite.mark(&vectors, 2)?))
}

/// The eigenvalues alone: the first part of [`eigh`].
#[track_caller]
pub fn eigvalsh(a: &Array, triangle: Triangle) -> Result<Array> {
    square("eigvalsh", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    finite.mark(&supported!("eigvalsh", ops::eigvalsh(&finite.array, triangle.name()))?, 1)
}
