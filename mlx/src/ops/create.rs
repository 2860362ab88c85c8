//! Arrays from nothing, or in the likeness of another.

use crate::{Array, Dtype, Error, Operand, Result, array::element_count, ffi::ops};
use std::ops::{Range, RangeInclusive};

/// More bytes than any machine maps; MLX would wrap around or run into a null pointer.
const MOST_BYTES: usize = 1 << 46;

/// Refuses shapes whose size cannot be computed or held, before MLX multiplies the extents.
#[track_caller]
pub(crate) fn check_shape(op: &'static str, shape: &[i32], dtype: Dtype) -> Result<()> {
    let bytes = element_count(shape).and_then(|count| count.checked_mul(dtype.size()));
    match bytes {
        Some(bytes) if bytes <= MOST_BYTES => Ok(()),
        _ => Err(Error::invalid(op, format!("the shape {shape:?} is negative or too large"))),
    }
}

/// Zeros; a bad shape gives a failed array.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, zeros};
/// assert_eq!(zeros(&[2], Dtype::I32).to_vec::<i32>()?, [0, 0]);
/// assert!(zeros(&[-2], Dtype::I32).eval().is_err());
/// # Ok(())
/// # }
/// ```
#[doc(alias = "empty")]
#[track_caller]
pub fn zeros(shape: &[i32], dtype: Dtype) -> Array {
    Array::from_result(check_shape("zeros", shape, dtype).and_then(|()| ops::zeros(shape, dtype)))
}

/// Ones; a bad shape gives a failed array.
#[track_caller]
pub fn ones(shape: &[i32], dtype: Dtype) -> Array {
    Array::from_result(check_shape("ones", shape, dtype).and_then(|()| ops::ones(shape, dtype)))
}

/// `value` in every place; a bad shape gives a failed array.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// assert_eq!(mlx::full(&[2], 7, mlx::Dtype::F32).to_vec::<f32>()?, [7.0, 7.0]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn full(shape: &[i32], value: impl Operand, dtype: Dtype) -> Array {
    // A function rather than a closure, because only functions pass the caller's line on.
    #[track_caller]
    fn make(shape: &[i32], value: impl Operand, dtype: Dtype) -> Result<Array> {
        check_shape("full", shape, dtype)?;
        ops::full(shape, &value.into_array(dtype)?, dtype)
    }
    Array::from_result(make(shape, value, dtype))
}

impl Array {
    /// `value`, which broadcasts, in every place of an array of this shape and dtype.
    ///
    /// For another dtype, `x.full_like(value)?.astype(dtype)?`, or [`full`] of `x.shape()?`.
    #[track_caller]
    pub fn full_like(&self, value: impl Operand) -> Result<Array> {
        let dtype = self.dtype()?;
        ops::full_like(self, &value.into_array(dtype)?, dtype)
    }

    /// Zeros of this shape and dtype.
    #[doc(alias = "empty_like")]
    #[track_caller]
    pub fn zeros_like(&self) -> Result<Array> {
        ops::zeros_like(self, self.dtype()?)
    }

    /// Ones of this shape and dtype.
    #[track_caller]
    pub fn ones_like(&self) -> Result<Array> {
        ops::ones_like(self, self.dtype()?)
    }
}

/// `start`, `start + step`, … up to but not including `stop`.
///
/// ```
/// assert_eq!(mlx::arange(0.0, 10.0, 4.0, mlx::Dtype::I32).unwrap().to_vec::<i32>().unwrap(), [0, 4, 8]);
/// ```
#[track_caller]
pub fn arange(start: f64, stop: f64, step: f64, dtype: Dtype) -> Result<Array> {
    let count = ((stop - start) / step).ceil();
    if !count.is_finite() || count > f64::from(i32::MAX) {
        return Err(Error::invalid(
            "arange",
            format!("{start} to {stop} by {step} has no or too many elements"),
        ));
    }
    ops::arange(start, stop, step, dtype)
}

/// Where [`linspace`] starts and stops: `0.0..=1.0`, or `0.0..1.0` without the last.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Endpoints {
    start: f64,
    stop: f64,
    with_stop: bool,
}

impl From<RangeInclusive<f64>> for Endpoints {
    fn from(range: RangeInclusive<f64>) -> Endpoints {
        Endpoints { start: *range.start(), stop: *range.end(), with_stop: true }
    }
}

impl From<Range<f64>> for Endpoints {
    fn from(range: Range<f64>) -> Endpoints {
        Endpoints { start: range.start, stop: range.end, with_stop: false }
    }
}

/// `count` numbers at equal distances over a range, which may run downwards.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, linspace};
/// assert_eq!(linspace(0.0..=1.0, 3, Dtype::F32)?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
/// assert_eq!(linspace(0.0..1.0, 2, Dtype::F32)?.to_vec::<f32>()?, [0.0, 0.5]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn linspace(endpoints: impl Into<Endpoints>, count: i32, dtype: Dtype) -> Result<Array> {
    check_shape("linspace", &[count], dtype)?;
    let Endpoints { start, stop, with_stop } = endpoints.into();
    ops::linspace(start, stop, count, with_stop, dtype)
}
