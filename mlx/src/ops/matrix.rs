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
}
