//! Reductions along axes: `x.sum(-1)`, `x.mean([0, 2])`, `x.max(..)`, `x.sum(axes(-1).keep())`.

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

    /// The position (`U32`) of the largest element along one axis, or with `..` in the flattened array; the first of
    /// equals.
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
    #[track_caller]
    pub fn softmax(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::softmax(self, &axes.into(), true)
    }

    /// As [`Array::softmax`], but half precision is summed in half precision: Python's `softmax` without `precise`.
    #[track_caller]
    pub fn softmax_imprecise(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::softmax(self, &axes.into(), false)
    }
}
