//! Arrays from nothing.

use crate::{Array, Dtype, Error, Operand, Result, array::element_count, ffi::ops};

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
#[track_caller]
pub fn full(shape: &[i32], value: impl Operand, dtype: Dtype) -> Array {
    let made = check_shape("full", shape, dtype)
        .and_then(|()| value.into_array(dtype))
        .and_then(|value| ops::full(shape, &value, dtype));
    Array::from_result(made)
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

/// `count` numbers at equal distances from `start` to `stop`, both included.
#[track_caller]
pub fn linspace(start: f64, stop: f64, count: i32, dtype: Dtype) -> Result<Array> {
    check_shape("linspace", &[count], dtype)?;
    ops::linspace(start, stop, count, true, dtype)
}

/// A square matrix with ones on its diagonal.
#[track_caller]
pub fn eye(size: i32, dtype: Dtype) -> Array {
    Array::from_result(check_shape("eye", &[size, size], dtype).and_then(|()| ops::eye(size, size, 0, dtype)))
}
