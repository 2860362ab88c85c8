//! Distinct elements.

use super::create::check_shape;
use crate::{Array, Error, ErrorKind, Operand, Result, ffi::ops};

/// The distinct elements of an array. What is not read is not computed.
#[derive(Clone, Debug)]
pub struct Unique {
    /// The distinct elements, ascending.
    pub values: Array,
    /// Where in the flattened array each first occurs; `U32`.
    pub index: Array,
    /// For each element of the array, in its shape, which of `values` it is; `U32`.
    pub inverse: Array,
    /// How often each occurs; `I32`, and 0 beyond the last.
    pub counts: Array,
}

impl Array {
    /// The first `size` distinct elements, in ascending order.
    ///
    /// The size cannot follow from the elements, which are not computed yet. A larger one than there are distinct
    /// elements repeats the smallest, with a count of zero: `counts.count_nonzero(..)` tells how many there are. A
    /// smaller one drops the largest elements: their counts are lost and their `inverse` points to the last value.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[2, 1, 2, 3, 1], &[5]);
    /// let unique = x.unique(4)?;
    /// assert_eq!(unique.values.to_vec::<i32>()?, [1, 2, 3, 1]);
    /// assert_eq!(unique.counts.to_vec::<i32>()?, [2, 2, 1, 0]);
    /// assert_eq!(unique.inverse.to_vec::<u32>()?, [1, 0, 1, 2, 0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn unique(&self, size: i32) -> Result<Unique> {
        unique(self, size, None)
    }

    /// As [`Array::unique`], with `fill` in the places beyond the last distinct element.
    #[doc(alias = "unique")]
    #[doc(alias = "fill_value")]
    #[track_caller]
    pub fn unique_or(&self, size: i32, fill: impl Operand) -> Result<Unique> {
        unique(self, size, Some(&fill.into_array(self.dtype()?)?))
    }
}

#[track_caller]
fn unique(x: &Array, size: i32, fill: Option<&Array>) -> Result<Unique> {
    check_shape("unique", &[size], x.dtype()?)?;
    match <[Array; 4]>::try_from(ops::unique(x, size, true, true, true, fill)?) {
        Ok([values, index, inverse, counts]) => Ok(Unique { values, index, inverse, counts }),
        Err(list) => {
            let text = format!("MLX returned {} arrays, not 4", list.len());
            Err(Error::new(ErrorKind::Backend, "unique", text))
        }
    }
}
