//! Matrices as products of simpler ones.

use super::{Finite, REAL, REAL_OR_COMPLEX, Triangle, matrices, not_empty, square};
use crate::{Array, Error, Result, ffi::linalg as ops};

/// An orthonormal `q` and an upper triangular `r` with `a = q @ r`: `[..., m, k]` and `[..., k, n]`, where `k` is the
/// smaller extent of `a` `[..., m, n]`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, linalg, random};
/// let a = random::normal(&[5, 3], Dtype::F32, &random::key(0)?)?;
/// let (q, r) = linalg::qr(&a)?;
/// assert!((q.matmul(&r)? - a).abs()?.max(..)?.item::<f32>()? < 1e-5);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn qr(a: &Array) -> Result<(Array, Array)> {
    matrices("qr", a, REAL)?;
    supported!("qr", ops::qr(a))
}

/// The singular value decomposition `a = u @ diag(s) @ vt` of `[..., m, n]`, `C64` too: `u` is `[..., m, m]`, `s` is
/// `[..., k]` and descends, `vt` is `[..., n, n]`, where `k` is the smaller extent; of `u` or `vt`, only `k` columns or
/// rows take part in the product.
///
/// A matrix with infinite or NaN elements gives NaN.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let a = Array::from_slice(&[0.0f32, 2.0, 3.0, 0.0], &[2, 2]);
/// let (u, s, vt) = linalg::svd(&a)?;
/// assert_eq!(s.to_vec::<f32>()?, [3.0, 2.0]);
/// assert_eq!((u * s).matmul(&vt)?.to_vec::<f32>()?, [0.0, 2.0, 3.0, 0.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn svd(a: &Array) -> Result<(Array, Array, Array)> {
    matrices("svd", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    let [u, s, vt] = parts("svd", supported!("svd", ops::svd(&finite.array, true))?)?;
    Ok((finite.mark(&u, 2)?, finite.mark(&s, 1)?, finite.mark(&vt, 2)?))
}

/// The singular values alone: `s` of [`svd`].
#[doc(alias = "svd")]
#[track_caller]
pub fn svdvals(a: &Array) -> Result<Array> {
    matrices("svd", a, REAL_OR_COMPLEX)?;
    let finite = Finite::matrices(a)?;
    let [s] = parts("svd", supported!("svd", ops::svd(&finite.array, false))?)?;
    finite.mark(&s, 1)
}

/// The Cholesky factor of symmetric positive definite matrices: a lower `l` with `a = l @ l.T`, or an upper `u` with
/// `a = u.T @ u`. Only that triangle of `a` is read.
///
/// MLX does not notice when a matrix is not positive definite: its factor is then meaningless.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg::{self, Triangle}};
/// let a = Array::from_slice(&[4.0f32, 2.0, 2.0, 5.0], &[2, 2]);
/// let l = linalg::cholesky(&a, Triangle::Lower)?;
/// assert_eq!(l.to_vec::<f32>()?, [2.0, 0.0, 1.0, 2.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn cholesky(a: &Array, triangle: Triangle) -> Result<Array> {
    square("cholesky", a, REAL)?;
    supported!("cholesky", ops::cholesky(a, triangle.is_upper()))
}

/// The factors of `a` `[..., m, n]` with its rows reordered: the order `p` `[..., m]` (`U32`), a lower triangular `l`
/// `[..., m, k]` with ones on its diagonal and an upper triangular `u` `[..., k, n]`, so that row `p[i]` of `l @ u`
/// is row `i` of `a`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let a = Array::from_slice(&[1.0f32, 2.0, 4.0, 6.0], &[2, 2]);
/// let (p, l, u) = linalg::lu(&a)?;
/// assert_eq!(l.matmul(&u)?.take(&p, 0)?.to_vec::<f32>()?, [1.0, 2.0, 4.0, 6.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn lu(a: &Array) -> Result<(Array, Array, Array)> {
    not_empty("lu", a, matrices("lu", a, REAL)?)?;
    let [p, l, u] = parts("lu", supported!("lu", ops::lu(a))?)?;
    Ok((p, l, u))
}

/// `l` and `u` of [`lu`] in one matrix, without the ones of `l`, and the pivots (`U32`): row `i` changed places with row
/// `pivots[i]`, one after the other.
#[track_caller]
pub fn lu_factor(a: &Array) -> Result<(Array, Array)> {
    not_empty("lu_factor", a, matrices("lu_factor", a, REAL)?)?;
    supported!("lu_factor", ops::lu_factor(a))
}

#[track_caller]
fn parts<const N: usize>(op: &'static str, list: Vec<Array>) -> Result<[Array; N]> {
    let text = format!("MLX gave {} arrays, not {N}", list.len());
    list.try_into().map_err(|_| Error::invalid(op, text))
}
