//! Running results along an axis: `x.cumsum(-1)`, `x.cumsum(..)` of the flattened array,
//! `x.cumsum(scan(0).reverse().exclusive())`.

use crate::{Array, Error, Result, ffi::ops, index::resolve_axis};
use std::ops::RangeFull;

/// The axis of a scan and how it runs: `-1`, `..` for the flattened array, or `scan(0).reverse().exclusive()`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scan {
    axis: Option<i32>,
    reverse: bool,
    inclusive: bool,
}

/// [`Scan`] from an axis or `..`, for options.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::Array::from_slice(&[1, 2, 3], &[3]);
/// assert_eq!(x.cumsum(0)?.to_vec::<i32>()?, [1, 3, 6]);
/// assert_eq!(x.cumsum(mlx::scan(0).reverse().exclusive())?.to_vec::<i32>()?, [5, 3, 0]);
/// # Ok(())
/// # }
/// ```
pub fn scan(axis: impl Into<Scan>) -> Scan {
    axis.into()
}

impl Scan {
    /// Runs from the last element to the first.
    pub fn reverse(self) -> Scan {
        Scan { reverse: true, ..self }
    }

    /// Leaves each element out of its own result.
    #[doc(alias = "inclusive")]
    pub fn exclusive(self) -> Scan {
        Scan { inclusive: false, ..self }
    }
}

impl From<i32> for Scan {
    fn from(axis: i32) -> Scan {
        Scan { axis: Some(axis), reverse: false, inclusive: true }
    }
}

impl From<RangeFull> for Scan {
    fn from(_: RangeFull) -> Scan {
        Scan { axis: None, reverse: false, inclusive: true }
    }
}

macro_rules! scans {
    ($($(#[$doc:meta])* $name:ident($($more:expr),*);)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, scan: impl Into<Scan>) -> Result<Array> {
                let scan = scan.into();
                ops::$name(self, scan.axis, scan.reverse, scan.inclusive $(, $more)*)
            }
        )* }
    };
}

scans! {
    /// The largest element so far; before the first, the lowest number.
    cummax();
    /// The smallest element so far; before the first, the highest number.
    cummin();
    /// Running products. Small dtypes may overflow: `astype` first.
    #[doc(alias = "cumulative_prod")]
    cumprod(None);
    /// Running sums. Small dtypes may overflow: `astype` first.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 2, 3, 4], &[2, 2]);
    /// assert_eq!(x.cumsum(-1)?.to_vec::<i32>()?, [1, 3, 3, 7]);
    /// assert_eq!(x.cumsum(..)?.to_vec::<i32>()?, [1, 3, 6, 10]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "cumulative_sum")]
    cumsum(None);
    /// `log` of the running sum of `exp(x)`, without overflow.
    logcumsumexp();
}

impl Array {
    /// The differences of neighbours along `axis`, `n` times over; each time the axis is one shorter.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 4, 9, 16], &[4]);
    /// assert_eq!(x.diff(1, 0)?.to_vec::<i32>()?, [3, 5, 7]);
    /// assert_eq!(x.diff(2, 0)?.to_vec::<i32>()?, [2, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn diff(&self, n: i32, axis: i32) -> Result<Array> {
        let shape = self.shape()?;
        let index = resolve_axis("diff", axis, shape)?;
        if n < 0 {
            return Err(Error::invalid("diff", format!("cannot be taken {n} times")));
        }
        if n < shape[index] {
            return ops::diff(self, n, axis);
        }
        // Nothing is left, and MLX would go through all rounds to find that out.
        let mut stop = shape.to_vec();
        stop[index] = 0;
        self.slice(&vec![0; stop.len()], &stop)
    }
}
