//! Products of matrices.

use crate::{Array, Result, ffi::ops};

impl Array {
    /// Matrix product of the last two dimensions; the others broadcast. Vectors are rows or columns as fits.
    #[track_caller]
    pub fn matmul(&self, rhs: &Array) -> Result<Array> {
        ops::matmul(self, rhs)
    }

    /// `self + a @ b` in one operation.
    #[track_caller]
    pub fn addmm(&self, a: &Array, b: &Array) -> Result<Array> {
        ops::addmm(self, a, b, 1.0, 1.0)
    }

    /// Sums of products over the last axes of both.
    #[track_caller]
    pub fn inner(&self, rhs: &Array) -> Result<Array> {
        ops::inner(self, rhs)
    }

    /// Every element of one, flattened, times every element of the other: `[size, rhs size]`.
    #[track_caller]
    pub fn outer(&self, rhs: &Array) -> Result<Array> {
        ops::outer(self, rhs)
    }

    /// The lower triangle of the last two dimensions, zero above the given diagonal.
    #[track_caller]
    pub fn tril(&self, diagonal: i32) -> Result<Array> {
        ops::tril(self, diagonal)
    }

    /// The upper triangle of the last two dimensions, zero below the given diagonal.
    #[track_caller]
    pub fn triu(&self, diagonal: i32) -> Result<Array> {
        ops::triu(self, diagonal)
    }
}
