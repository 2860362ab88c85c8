//! Matrices made around a diagonal, and the diagonals of arrays.
//!
//! Diagonal 0 is the main one, positive ones lie above it, negative ones below.

use super::{create::check_shape, on_cuda::scattered};
use crate::{Array, Dtype, Result, ffi::ops, index::resolve_axis, zeros};

/// The extents of a matrix, and one of its diagonals: `3`, `[3, 4]`, or `matrix([3, 4]).diagonal(1)`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MatrixSize {
    rows: i32,
    columns: i32,
    diagonal: i32,
}

/// [`MatrixSize`] from what converts, for options: `eye(matrix(3).diagonal(1), dtype)`.
pub fn matrix(size: impl Into<MatrixSize>) -> MatrixSize {
    size.into()
}

impl MatrixSize {
    /// Picks a diagonal other than the main one.
    pub fn diagonal(self, diagonal: i32) -> MatrixSize {
        MatrixSize { diagonal, ..self }
    }

    /// The size with a diagonal that is at most just outside, as [`nearby`].
    #[track_caller]
    fn checked(self, op: &'static str, dtype: Dtype) -> Result<MatrixSize> {
        check_shape(op, &[self.rows, self.columns], dtype)?;
        Ok(self.diagonal(self.diagonal.clamp(-self.rows, self.columns)))
    }
}

impl From<i32> for MatrixSize {
    fn from(size: i32) -> MatrixSize {
        [size, size].into()
    }
}

impl From<[i32; 2]> for MatrixSize {
    fn from([rows, columns]: [i32; 2]) -> MatrixSize {
        MatrixSize { rows, columns, diagonal: 0 }
    }
}

/// A matrix with ones on a diagonal and zeros elsewhere; a bad size gives a failed array.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, eye, matrix};
/// assert_eq!(eye(2, Dtype::I32).to_vec::<i32>()?, [1, 0, 0, 1]);
/// assert_eq!(eye(matrix([2, 3]).diagonal(1), Dtype::I32).to_vec::<i32>()?, [0, 1, 0, 0, 0, 1]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn eye(size: impl Into<MatrixSize>, dtype: Dtype) -> Array {
    let size = size.into().checked("eye", dtype);
    let eye = |size: MatrixSize| {
        let ones = ops::eye(size.rows, size.columns, size.diagonal, scattered(dtype)?)?;
        ones.astype(dtype)
    };
    Array::from_result(size.and_then(eye))
}

/// The square matrix with ones on its main diagonal; a bad size gives a failed array.
#[track_caller]
pub fn identity(size: i32, dtype: Dtype) -> Array {
    Array::from_result(
        check_shape("identity", &[size, size], dtype)
            .and_then(|()| ops::identity(size, scattered(dtype)?)?.astype(dtype)),
    )
}

/// A matrix with ones on and below a diagonal and zeros above; a bad size gives a failed array.
#[track_caller]
pub fn tri(size: impl Into<MatrixSize>, dtype: Dtype) -> Array {
    let size = size.into().checked("tri", dtype);
    Array::from_result(size.and_then(|size| ops::tri(size.rows, size.columns, size.diagonal, dtype)))
}

impl Array {
    /// The lower triangle of the last two dimensions, zero above the given diagonal.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::ones(&[2, 2], mlx::Dtype::I32);
    /// assert_eq!(x.tril(0)?.to_vec::<i32>()?, [1, 0, 1, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn tril(&self, diagonal: i32) -> Result<Array> {
        ops::tril(self, nearby(self, diagonal)?)
    }

    /// The upper triangle of the last two dimensions, zero below the given diagonal.
    #[track_caller]
    pub fn triu(&self, diagonal: i32) -> Result<Array> {
        ops::triu(self, nearby(self, diagonal)?)
    }

    /// The given diagonal of a matrix; or, of a vector, the square matrix that has it there and zeros elsewhere.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 2], &[2]);
    /// assert_eq!(x.diag(0)?.to_vec::<i32>()?, [1, 0, 0, 2]);
    /// assert_eq!(x.diag(0)?.diag(0)?.to_vec::<i32>()?, [1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn diag(&self, diagonal: i32) -> Result<Array> {
        if let &[count] = self.shape()? {
            // An extent that overflows becomes a negative one.
            let extent = i32::try_from(i64::from(count) + i64::from(diagonal).abs()).unwrap_or(-1);
            check_shape("diag", &[extent, extent], self.dtype()?)?;
        }
        if self.ndim()? == 2 { self.diagonal(diagonal, [0, 1]) } else { ops::diag(self, diagonal) }
    }

    /// The diagonal at `offset` of the matrices that two axes make; it becomes the last axis in place of both.
    #[track_caller]
    pub fn diagonal(&self, offset: i32, [rows, columns]: [i32; 2]) -> Result<Array> {
        if let Some(batch) = batch_of_nothing("diagonal", self.shape()?, offset, [rows, columns])? {
            return Ok(zeros(&[&batch[..], &[0]].concat(), self.dtype()?));
        }
        ops::diagonal(self, offset, rows, columns)
    }

    /// The sum of [`Array::diagonal`]. Small dtypes may overflow: `astype` first.
    #[track_caller]
    pub fn trace(&self, offset: i32, [rows, columns]: [i32; 2]) -> Result<Array> {
        if let Some(batch) = batch_of_nothing("trace", self.shape()?, offset, [rows, columns])? {
            let zeros = zeros(&[&batch[..], &[1, 1]].concat(), self.dtype()?);
            return ops::trace(&zeros, 0, -2, -1, None);
        }
        ops::trace(self, offset, rows, columns, None)
    }
}

/// A diagonal that is at most just outside the matrices of `x`; MLX's arithmetic wraps around far beyond.
fn nearby(x: &Array, diagonal: i32) -> Result<i32> {
    Ok(match *x.shape()? {
        [.., rows, columns] => diagonal.clamp(-rows, columns),
        _ => diagonal,
    })
}

/// The other extents, if a diagonal has no elements: on the CPU, MLX may never come back from the sum of what it gathers
/// for one.
#[track_caller]
fn batch_of_nothing(
    op: &'static str,
    shape: &[i32],
    offset: i32,
    [rows, columns]: [i32; 2],
) -> Result<Option<Vec<i32>>> {
    let (rows, columns) = (resolve_axis(op, rows, shape)?, resolve_axis(op, columns, shape)?);
    let below = i64::from(shape[rows]) + i64::from(offset.min(0));
    let right = i64::from(shape[columns]) - i64::from(offset.max(0));
    if rows == columns || below.min(right) > 0 {
        return Ok(None);
    }
    let others = shape.iter().enumerate().filter(|(axis, _)| *axis != rows && *axis != columns);
    Ok(Some(others.map(|(_, &extent)| extent).collect()))
}
