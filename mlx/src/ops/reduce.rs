//! Reductions and scans along axes: `x.sum(-1)`, `x.mean([0, 2])`, `x.max(..)`, `x.sum(axes(-1).keep())`.

use crate::{Array, Axes, Result, ffi::ops};

macro_rules! reductions {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, axes: impl Into<Axes>) -> Result<Array> {
                let axes = axes.into();
                ops::$name(self, &axes, axes.keeps())
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
    max;
    /// The arithmetic mean.
    mean;
    /// The middle element, or the mean of the middle two.
    median;
    /// The smallest element.
    min;
    /// The product.
    prod;
    /// The sum.
    sum;
}

impl Array {
    /// The smallest and the largest element, found in one pass.
    #[track_caller]
    pub fn minmax(&self, axes: impl Into<Axes>) -> Result<(Array, Array)> {
        let axes = axes.into();
        ops::minmax(self, &axes, axes.keeps())
    }

    /// The variance, dividing by the count less `ddof`.
    #[track_caller]
    pub fn var(&self, axes: impl Into<Axes>, ddof: i32) -> Result<Array> {
        let axes = axes.into();
        ops::var(self, &axes, axes.keeps(), ddof)
    }

    /// The standard deviation, dividing by the count less `ddof`.
    #[track_caller]
    pub fn std(&self, axes: impl Into<Axes>, ddof: i32) -> Result<Array> {
        let axes = axes.into();
        ops::std(self, &axes, axes.keeps(), ddof)
    }

    /// The position (`U32`) of the largest element along `axis`; the first of equals.
    #[track_caller]
    pub fn argmax(&self, axis: i32) -> Result<Array> {
        ops::argmax(self, Some(axis), false)
    }

    /// The position (`U32`) of the smallest element along `axis`; the first of equals.
    #[track_caller]
    pub fn argmin(&self, axis: i32) -> Result<Array> {
        ops::argmin(self, Some(axis), false)
    }

    /// Running sums along `axis`, each including its own element.
    #[track_caller]
    pub fn cumsum(&self, axis: i32) -> Result<Array> {
        ops::cumsum(self, Some(axis), false, true, None)
    }

    /// Running products along `axis`, each including its own element.
    #[track_caller]
    pub fn cumprod(&self, axis: i32) -> Result<Array> {
        ops::cumprod(self, Some(axis), false, true, None)
    }

    /// The largest element so far along `axis`.
    #[track_caller]
    pub fn cummax(&self, axis: i32) -> Result<Array> {
        ops::cummax(self, Some(axis), false, true)
    }

    /// The smallest element so far along `axis`.
    #[track_caller]
    pub fn cummin(&self, axis: i32) -> Result<Array> {
        ops::cummin(self, Some(axis), false, true)
    }

    /// `exp(x)` scaled to sum to one along the axes; half precision is computed in `f32` and rounded once.
    #[track_caller]
    pub fn softmax(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::softmax(self, &axes.into(), true)
    }
}
