//! Linear algebra: factorizations, inverses, equations, eigenvalues and norms.
//!
//! Matrices are the last two dimensions, of `F32` or `F64`; all others are batches. MLX computes most of this on the CPU
//! only. Where it refuses the current stream, the work goes to this thread's CPU stream instead.
//!
//! Whether a matrix can be inverted or factored shows when the result is evaluated: that is when it fails.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, linalg};
//! let a = Array::from_slice(&[2.0f32, 1.0, 1.0, 3.0], &[2, 2]);
//! let x = linalg::solve(&a, &Array::from_slice(&[3.0f32, 5.0], &[2]))?;
//! let error = (a.matmul(&x)? - Array::from_slice(&[3.0f32, 5.0], &[2])).abs()?.max(..)?;
//! assert!(error.item::<f32>()? < 1e-5);
//! # Ok(())
//! # }
//! ```

use crate::{Array, Axes, Dtype, Error, Result, axes};

/// An operation on the current stream; where MLX has it on the CPU only, on this thread's CPU stream.
///
/// A macro, so that an error names the line that called the operation around it.
macro_rules! supported {
    ($op:literal, $call:expr) => {
        match $call {
            Err(error) => match $crate::stream::Scope::cpu_instead($op)? {
                Some(_cpu) => $call,
                None => Err(error),
            },
            done => done,
        }
    };
}

mod eigen;
mod factor;
mod norm;
mod solve;

pub use eigen::{eig, eigh, eigvals, eigvalsh};
pub use factor::{cholesky, lu, lu_factor, qr, svd, svdvals};
pub use norm::{Norm, cross, norm};
pub use solve::{cholesky_inv, det, inv, pinv, slogdet, solve, solve_triangular, tri_inv};

/// A half of a square matrix, with the diagonal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Triangle {
    /// On and below the diagonal.
    Lower,
    /// On and above the diagonal.
    Upper,
}

impl Triangle {
    fn is_upper(self) -> bool {
        self == Triangle::Upper
    }

    /// As LAPACK calls it.
    fn name(self) -> &'static str {
        if self.is_upper() { "U" } else { "L" }
    }
}

const REAL: &[Dtype] = &[Dtype::F32, Dtype::F64];
const REAL_OR_COMPLEX: &[Dtype] = &[Dtype::F32, Dtype::F64, Dtype::C64];

/// Checks that `a` holds matrices of one of `dtypes`, and gives their rows and columns.
#[track_caller]
fn matrices(op: &'static str, a: &Array, dtypes: &[Dtype]) -> Result<[i32; 2]> {
    let (shape, dtype) = (a.shape()?, a.dtype()?);
    let &[.., rows, columns] = shape else {
        return Err(Error::invalid(op, format!("needs matrices, the shape is {shape:?}")));
    };
    if dtypes.contains(&dtype) {
        return Ok([rows, columns]);
    }
    let names: Vec<_> = dtypes.iter().map(|dtype| dtype.name()).collect();
    Err(Error::invalid(op, format!("needs {}, not {dtype}; cast with `astype`", names.join(" or "))))
}

/// Checks that `a` holds square matrices, and gives their size.
#[track_caller]
fn square(op: &'static str, a: &Array, dtypes: &[Dtype]) -> Result<i32> {
    match matrices(op, a, dtypes)? {
        [rows, columns] if rows == columns => Ok(rows),
        _ => Err(Error::invalid(op, format!("needs square matrices, the shape is {:?}", a.shape()?))),
    }
}

/// Checks that the matrices have elements: MLX divides by their number.
#[track_caller]
fn not_empty(op: &'static str, a: &Array, [rows, columns]: [i32; 2]) -> Result<()> {
    if rows > 0 && columns > 0 {
        return Ok(());
    }
    Err(Error::invalid(op, format!("the matrices are empty, the shape is {:?}", a.shape()?)))
}

/// An array without infinities and NaN, with which LAPACK ends the process or writes to foreign memory. What is computed
/// of the matrices that had them becomes NaN.
struct Finite {
    array: Array,
    broken: Array,
}

impl Finite {
    /// Judges each matrix of the last two dimensions by itself.
    #[track_caller]
    fn matrices(a: &Array) -> Result<Finite> {
        Finite::over(a, axes([-2, -1]))
    }

    /// Judges what lies along `axes` together.
    #[track_caller]
    fn over(a: &Array, axes: Axes) -> Result<Finite> {
        let broken = a.isfinite()?.logical_not()?.any(axes.keep())?;
        Ok(Finite { array: broken.where_(0, a)?, broken })
    }

    /// `result` with NaN for the matrices that were not finite; it has `rank` dimensions of each matrix.
    #[track_caller]
    fn mark(&self, result: &Array, rank: usize) -> Result<Array> {
        let broken = if rank == 2 { self.broken.clone() } else { self.broken.squeeze(-1)? };
        broken.where_(f32::NAN, result)
    }
}
