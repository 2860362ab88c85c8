//! The same elements as another type, or elsewhere in memory.

use crate::{Array, Dtype, Error, Result, ffi::ops};

impl Array {
    /// The elements converted to `dtype`. Of a complex number, a real type keeps the real part.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1.7f32, -1.7], &[2]);
    /// assert_eq!(x.astype(mlx::Dtype::I32)?.to_vec::<i32>()?, [1, -1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn astype(&self, dtype: Dtype) -> Result<Array> {
        ops::astype(self, dtype)
    }

    /// The same bytes read as `dtype`; the last dimension grows or shrinks with the element's size. Every byte but 0 is
    /// true.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let one = mlx::Array::scalar(1.0f32).view(mlx::Dtype::U32)?;
    /// assert_eq!(one.item::<u32>()?, 1.0f32.to_bits());
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn view(&self, dtype: Dtype) -> Result<Array> {
        if let Some(&last) = self.shape()?.last() {
            let bytes = i64::from(last).saturating_mul(self.dtype()?.size() as i64);
            if bytes / dtype.size() as i64 > i64::from(i32::MAX) {
                return Err(Error::invalid(
                    "view",
                    format!("a last dimension of {last} is too long for {dtype}"),
                ));
            }
        }
        match dtype {
            // MLX counts with the bytes of `Bool`, and writes outside of arrays where one is not 0 or 1.
            Dtype::Bool => ops::view(self, Dtype::U8)?.not_equal(0),
            _ => ops::view(self, dtype),
        }
    }

    /// A copy in memory of its own.
    #[track_caller]
    pub fn copy(&self) -> Result<Array> {
        ops::copy(self)
    }

    /// The array in row-major order without gaps; copied only if it is not so already.
    #[doc(alias = "ascontiguousarray")]
    #[track_caller]
    pub fn contiguous(&self) -> Result<Array> {
        ops::contiguous(self, false)
    }

    /// The array in row-major or column-major order without gaps; copied only if it is in neither.
    #[doc(alias = "allow_col_major")]
    #[track_caller]
    pub fn contiguous_in_any_order(&self) -> Result<Array> {
        ops::contiguous(self, true)
    }
}
