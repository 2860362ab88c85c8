//! Inverses, systems of equations and determinants.

use super::{Finite, REAL, Triangle, matrices, not_empty, square};
use crate::{Array, Dtype, Error, Result, ffi::linalg as ops, ops::reduce::reducible};

/// The inverse of square matrices. Evaluation fails for a singular one.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let a = Array::from_slice(&[2.0f32, 0.0, 0.0, 4.0], &[2, 2]);
/// assert_eq!(linalg::inv(&a)?.to_vec::<f32>()?, [0.5, 0.0, 0.0, 0.25]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn inv(a: &Array) -> Result<Array> {
    let size = square("inv", a, REAL)?;
    not_empty("inv", a, [size; 2])?;
    supported!("inv", ops::inv(a))
}

/// The inverse of triangular matrices; the other triangle is not read. Evaluation fails for a singular one.
#[track_caller]
pub fn tri_inv(a: &Array, triangle: Triangle) -> Result<Array> {
    let size = square("tri_inv", a, REAL)?;
    not_empty("tri_inv", a, [size; 2])?;
    supported!("tri_inv", ops::tri_inv(a, triangle.is_upper()))
}

/// The inverse of `l @ l.T`, or of `u.T @ u`, from its Cholesky factor; see [`cholesky`](super::cholesky).
#[track_caller]
pub fn cholesky_inv(factor: &Array, triangle: Triangle) -> Result<Array> {
    let size = square("cholesky_inv", factor, REAL)?;
    not_empty("cholesky_inv", factor, [size; 2])?;
    supported!("cholesky_inv", ops::cholesky_inv(factor, triangle.is_upper()))
}

/// The Moore-Penrose inverse of any matrices, `[..., m, n]` to `[..., n, m]`.
///
/// A matrix with infinite or NaN elements gives NaN.
#[track_caller]
pub fn pinv(a: &Array) -> Result<Array> {
    matrices("pinv", a, REAL)?;
    let finite = Finite::matrices(a)?;
    finite.mark(&supported!("pinv", ops::pinv(&finite.array))?, 2)
}

/// `x` with `a @ x = b`, for square `a` `[..., n, n]`: `b` is a vector `[n]` or matrices `[..., n, k]`. Batches broadcast.
/// Evaluation fails for a singular `a`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let a = Array::from_slice(&[2.0f32, 0.0, 0.0, 4.0], &[2, 2]);
/// let b = Array::from_slice(&[2.0f32, 2.0], &[2]);
/// assert_eq!(linalg::solve(&a, &b)?.to_vec::<f32>()?, [1.0, 0.5]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn solve(a: &Array, b: &Array) -> Result<Array> {
    let (a, b) = system("solve", a, b)?;
    let x = supported!("solve", ops::solve(&a, &b.columns))?;
    b.restore(x)
}

/// `x` with `a @ x = b` for triangular `a`, of which the other triangle is not read; otherwise as [`solve`].
#[track_caller]
pub fn solve_triangular(a: &Array, b: &Array, triangle: Triangle) -> Result<Array> {
    let (a, b) = system("solve_triangular", a, b)?;
    let x = supported!("solve_triangular", ops::solve_triangular(&a, &b.columns, triangle.is_upper()))?;
    b.restore(x)
}

/// The right side of equations, as matrices.
struct RightSide {
    columns: Array,
    was_vector: bool,
}

impl RightSide {
    #[track_caller]
    fn restore(&self, x: Array) -> Result<Array> {
        if self.was_vector { x.squeeze(-1) } else { Ok(x) }
    }
}

/// Both sides with the same batch, which MLX takes for granted.
#[track_caller]
fn system(op: &'static str, a: &Array, b: &Array) -> Result<(Array, RightSide)> {
    let size = square(op, a, REAL)?;
    not_empty(op, a, [size; 2])?;
    let was_vector = b.ndim()? == 1;
    let columns = if was_vector { b.expand_dims(-1)? } else { b.clone() };
    let [rows, count] = matrices(op, &columns, REAL)?;
    let (left, right) = (a.shape()?, columns.shape()?);
    let mismatch = || Error::invalid(op, format!("the shapes {left:?} and {right:?} do not fit"));
    if rows != size {
        return Err(mismatch());
    }
    let batch = broadcast(&left[..left.len() - 2], &right[..right.len() - 2]).ok_or_else(mismatch)?;
    let a = a.broadcast_to([&batch[..], &[size, size]].concat())?;
    let columns = columns.broadcast_to([&batch[..], &[size, count]].concat())?;
    Ok((a, RightSide { columns, was_vector }))
}

/// The shape that two shapes broadcast to.
fn broadcast(a: &[i32], b: &[i32]) -> Option<Vec<i32>> {
    let rank = a.len().max(b.len());
    let aligned = |shape: &[i32]| [vec![1; rank - shape.len()], shape.to_vec()].concat();
    let pairs = aligned(a).into_iter().zip(aligned(b));
    pairs.map(|(m, n)| if m == n || n == 1 { Some(m) } else { (m == 1).then_some(n) }).collect()
}

/// The determinant of square matrices: `[...]`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
/// assert!((linalg::det(&a)?.item::<f32>()? + 2.0).abs() < 1e-6);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn det(a: &Array) -> Result<Array> {
    square("det", a, Dtype::ALL)?;
    let a = reducible(a)?;
    supported!("det", ops::det(&a))
}

/// The sign of the determinant and the logarithm of its absolute value, which does not overflow: both `[...]`.
#[track_caller]
pub fn slogdet(a: &Array) -> Result<(Array, Array)> {
    square("slogdet", a, Dtype::ALL)?;
    let a = reducible(a)?;
    supported!("slogdet", ops::slogdet(&a))
}
