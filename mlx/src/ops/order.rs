//! Sorting and searching.
//!
//! Along one axis, or with `..` over the flattened array. NaN sorts last.

use crate::{Array, Axes, Operand, Result, ffi::ops};

impl Array {
    /// The elements in ascending order; equals keep theirs.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[3, 1, 2, 0], &[2, 2]);
    /// assert_eq!(x.sort(-1)?.to_vec::<i32>()?, [1, 3, 0, 2]);
    /// assert_eq!(x.sort(..)?.to_vec::<i32>()?, [0, 1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn sort(&self, axis: impl Into<Axes>) -> Result<Array> {
        ops::sort(self, axis.into().single("sort")?)
    }

    /// The positions (`U32`) that sort the elements in ascending order; equals keep theirs.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[30, 10, 20], &[3]);
    /// let order = x.argsort(0)?;
    /// assert_eq!(order.to_vec::<u32>()?, [1, 2, 0]);
    /// assert_eq!(x.at(&order)?.to_vec::<i32>()?, [10, 20, 30]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn argsort(&self, axis: impl Into<Axes>) -> Result<Array> {
        ops::argsort(self, axis.into().single("argsort")?)
    }

    /// The elements with the `kth` in its sorted place, those not larger before it, those not smaller after it.
    ///
    /// A negative `kth` counts from the end.
    #[track_caller]
    pub fn partition(&self, kth: i32, axis: impl Into<Axes>) -> Result<Array> {
        ops::partition(self, kth, axis.into().single("partition")?)
    }

    /// The positions (`U32`) of [`Array::partition`].
    #[track_caller]
    pub fn argpartition(&self, kth: i32, axis: impl Into<Axes>) -> Result<Array> {
        ops::argpartition(self, kth, axis.into().single("argpartition")?)
    }

    /// The `k` largest elements, in no particular order.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[3, 9, 1, 7], &[4]);
    /// assert_eq!(x.topk(2, -1)?.sort(-1)?.to_vec::<i32>()?, [7, 9]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn topk(&self, k: i32, axis: impl Into<Axes>) -> Result<Array> {
        ops::topk(self, k, axis.into().single("topk")?)
    }

    /// Where in this sorted vector each of the `values` would be inserted (`U32`, in the shape of `values`).
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::Side};
    /// let sorted = Array::from_slice(&[1.0f32, 3.0, 3.0, 5.0], &[4]);
    /// assert_eq!(sorted.searchsorted(3.0, Side::Left)?.item::<u32>()?, 1);
    /// assert_eq!(sorted.searchsorted(3.0, Side::Right)?.item::<u32>()?, 3);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn searchsorted(&self, values: impl Operand, side: Side) -> Result<Array> {
        let side = match side {
            Side::Left => "left",
            Side::Right => "right",
        };
        ops::searchsorted(self, &values.into_array(self.dtype()?)?, side)
    }
}

/// On which side of equal elements [`Array::searchsorted`] points.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Before them.
    Left,
    /// After them.
    Right,
}
