//! Reductions along axes: `x.sum(-1)`, `x.mean([0, 2])`, `x.max(..)`, `x.sum(axes(-1).keep())`.

use crate::{Array, Axes, Result, ffi::ops};

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, axes: impl Into<Axes>) -> Result<Array> {
                let axes = axes.into();
                ops::$name(&reducible(self)?, &axes, axes.keeps())
            }
        )* }
    };
}

reductions! {
    /// Whether all elements are true or non-zero; `Bool`.
    all;
    /// Whether any element is true or non-zero; `Bool`.
    any;
    /// How many elements are not zero.
    count_nonzero;
    /// `log(sum(exp(x)))`, without overflow.
    logsumexp;
    /// The largest element.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 5, 3, 4], &[2, 2]);
    /// assert_eq!(x.max(0)?.to_vec::<i32>()?, [3, 5]);
    /// # Ok(())
    /// # }
    /// ```
    max;
    /// The arithmetic mean.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1.0f32, 2.0, 3.0, 6.0], &[2, 2]);
    /// assert_eq!(x.mean(-1)?.to_vec::<f32>()?, [1.5, 4.5]);
    /// # Ok(())
    /// # }
    /// ```
    mean;
    /// The middle element, or the mean of the middle two.
    median;
    /// The smallest element.
    min;
    /// The product.
    prod;
    /// The sum.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, axes};
    /// let x = Array::from_slice(&[1, 2, 3, 4], &[2, 2]);
    /// assert_eq!(x.sum(..)?.item::<i32>()?, 10);
    /// assert_eq!(x.sum(0)?.to_vec::<i32>()?, [4, 6]);
    /// assert_eq!(x.sum(axes(-1).keep())?.shape()?, [2, 1]);
    /// # Ok(())
    /// # }
    /// ```
    sum;
}

impl Array {
    /// The smallest and the largest element, found in one pass.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let (low, high) = mlx::Array::from_slice(&[3, -1, 2], &[3]).minmax(..)?;
    /// assert_eq!((low.item::<i32>()?, high.item::<i32>()?), (-1, 3));
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn minmax(&self, axes: impl Into<Axes>) -> Result<(Array, Array)> {
        let axes = axes.into();
        ops::minmax(&reducible(self)?, &axes, axes.keeps())
    }

    /// The variance, dividing by the count less `ddof`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1.0f32, 3.0], &[2]);
    /// assert_eq!(x.var(.., 0)?.item::<f32>()?, 1.0);
    /// assert_eq!(x.var(.., 1)?.item::<f32>()?, 2.0);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn var(&self, axes: impl Into<Axes>, ddof: i32) -> Result<Array> {
        let axes = axes.into();
        ops::var(&reducible(self)?, &axes, axes.keeps(), ddof)
    }

    /// The standard deviation, dividing by the count less `ddof`.
    #[track_caller]
    pub fn std(&self, axes: impl Into<Axes>, ddof: i32) -> Result<Array> {
        let axes = axes.into();
        ops::std(&reducible(self)?, &axes, axes.keeps(), ddof)
    }

    /// The position (`U32`) of the largest element along one axis, or with `..` in the flattened array; the first of
    /// equals.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 5, 3, 4], &[2, 2]);
    /// assert_eq!(x.argmax(-1)?.to_vec::<u32>()?, [1, 1]);
    /// assert_eq!(x.argmax(..)?.item::<u32>()?, 1);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn argmax(&self, axis: impl Into<Axes>) -> Result<Array> {
        let axis = axis.into();
        ops::argmax(self, axis.single("argmax")?, axis.keeps())
    }

    /// The position (`U32`) of the smallest element along one axis, or with `..` in the flattened array; the first of
    /// equals.
    #[track_caller]
    pub fn argmin(&self, axis: impl Into<Axes>) -> Result<Array> {
        let axis = axis.into();
        ops::argmin(self, axis.single("argmin")?, axis.keeps())
    }

    /// `exp(x)` scaled to sum to one along the axes; half precision is computed in `f32` and rounded once.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[0.0f32, 0.0, 1000.0, 0.0], &[2, 2]);
    /// assert_eq!(x.softmax(-1)?.to_vec::<f32>()?, [0.5, 0.5, 1.0, 0.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn softmax(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::softmax(self, &axes.into(), true)
    }

    /// As [`Array::softmax`], but half precision is summed in half precision: Python's `softmax` without `precise`.
    #[doc(alias = "precise")]
    #[track_caller]
    pub fn softmax_imprecise(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::softmax(self, &axes.into(), false)
    }
}

/// The array, or zeros of its shape if it has no elements: on the CPU, MLX may never come back from reducing an empty
/// array that does not lie in row-major order.
#[track_caller]
pub(crate) fn reducible(x: &Array) -> Result<Array> {
    if x.size()? == 0 { x.zeros_like() } else { Ok(x.clone()) }
}
