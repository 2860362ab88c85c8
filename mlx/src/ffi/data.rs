//! Host data in and out.

use super::{call::call, call::call_for_array};
use crate::{Array, Dtype, Element, Error, ErrorKind, Result};
use mlx_sys::{mlx_dtype, mlx_ints};
use num_complex::Complex32;

/// Copies `data` into an array; its length was checked against `shape`.
#[track_caller]
pub(crate) fn from_slice<T: Element>(data: &[T], shape: &[i32]) -> Result<Array> {
    let extents = mlx_ints { data: shape.as_ptr(), size: shape.len() };
    // SAFETY: `data` holds as many elements of the dtype as `shape` says (checked by the caller of this function
    // and bounded by the slice), and MLX copies them during the call.
    call_for_array("from_slice", |out| unsafe {
        mlx_sys::mlx_array_new_data(out, data.as_ptr().cast(), extents, T::DTYPE as mlx_dtype)
    })
}

/// An array without dimensions.
#[track_caller]
pub(crate) fn scalar(value: Scalar, dtype: Dtype) -> Result<Array> {
    let dtype = dtype as mlx_dtype;
    // SAFETY: the calls write `out` when they succeed.
    call_for_array("scalar", |out| unsafe {
        match value {
            Scalar::Bool(x) => mlx_sys::mlx_array_new_bool(out, x),
            Scalar::Int(x) => mlx_sys::mlx_array_new_int(out, x, dtype),
            Scalar::Float(x) => mlx_sys::mlx_array_new_float(out, x, dtype),
            Scalar::Complex(x) => mlx_sys::mlx_array_new_complex(out, x.re, x.im),
        }
    })
}

/// A host scalar before it has taken an array's dtype.
#[derive(Clone, Copy)]
pub(crate) enum Scalar {
    Bool(bool),
    Int(i64),
    Float(f64),
    /// Always `C64`.
    Complex(Complex32),
}

/// Copies out an array that was evaluated, is row-contiguous and has `T`'s dtype.
#[track_caller]
pub(crate) fn read<T: Element>(array: &Array) -> Result<Vec<T>> {
    let handle = array.handle()?;
    let size = handle.size();
    if size == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: a live handle.
    let row_contiguous = unsafe { mlx_sys::mlx_array_row_contiguous(handle.raw()) };
    if Dtype::from_code(handle.dtype()) != T::DTYPE || !row_contiguous {
        return Err(Error::new(ErrorKind::Backend, "read", "the array is not a dense copy of its elements"));
    }
    let mut data = std::ptr::null();
    // SAFETY: `data` is a valid out-pointer; the call fails for an array that is not evaluated.
    call("read", || unsafe { mlx_sys::mlx_array_data(&mut data, handle.raw()) })?;
    let mut out = Vec::<T>::with_capacity(size);
    // SAFETY: the buffer holds `size` dense elements of `T`. Copying bytes asks for no alignment, which MLX does not
    // promise. Every bit pattern is a `T`: the caller reads `bool` arrays as `u8`.
    unsafe {
        std::ptr::copy_nonoverlapping(
            data.cast::<u8>(),
            out.as_mut_ptr().cast::<u8>(),
            size * size_of::<T>(),
        );
        out.set_len(size);
    }
    Ok(out)
}
