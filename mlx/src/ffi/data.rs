//! Host data in and out.

use super::{Handle, call::call, call::call_for_array};
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

/// Copies the bytes of row-major elements into an array.
#[track_caller]
pub(crate) fn from_bytes(bytes: &[u8], shape: &[i32], dtype: Dtype) -> Result<Array> {
    const OP: &str = "from_bytes";
    let needed = crate::array::element_count(shape).and_then(|count| count.checked_mul(dtype.size()));
    if needed != Some(bytes.len()) {
        let message = format!("{} bytes do not fill shape {shape:?} of {dtype}", bytes.len());
        return Err(Error::invalid(OP, message));
    }
    let extents = mlx_ints { data: shape.as_ptr(), size: shape.len() };
    // SAFETY: `bytes` holds what `shape` and `dtype` need, and MLX copies it, byte by byte, during the call. Any bytes
    // are elements of any dtype; those of `bool` are never lent out as Rust's.
    call_for_array(OP, |out| unsafe {
        mlx_sys::mlx_array_new_data(out, bytes.as_ptr().cast(), extents, dtype as mlx_dtype)
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

/// Whether [`read`] can read the array as it is: it was submitted, and lies densely in memory that may be read.
#[track_caller]
pub(crate) fn is_readable(array: &Array) -> Result<bool> {
    let (handle, mut readable) = (array.handle()?.raw(), false);
    // SAFETY: a live handle and a valid out-pointer.
    call("read", || unsafe { mlx_sys::mlx_array_is_readable(&mut readable, handle) })?;
    Ok(readable)
}

/// Copies out an array that was evaluated, is row-contiguous and has `T`'s dtype.
#[track_caller]
pub(crate) fn read<T: Element>(array: &Array) -> Result<Vec<T>> {
    let handle = array.handle()?;
    if Dtype::from_code(handle.dtype()) != T::DTYPE {
        return Err(Error::new(ErrorKind::Backend, "read", "the array has another dtype"));
    }
    // SAFETY: the buffer's elements are `T`s. Every bit pattern is one: the caller reads `bool` arrays as `u8`.
    unsafe { copy_out(handle, handle.size()) }
}

/// Copies out the bytes of an array that was evaluated and is row-contiguous.
#[track_caller]
pub(crate) fn read_bytes(array: &Array) -> Result<Vec<u8>> {
    let handle = array.handle()?;
    // SAFETY: a size in bytes of elements without padding.
    unsafe { copy_out(handle, array.nbytes()?) }
}

/// The first `count` values of an array's buffer.
///
/// # Safety
/// `count` values of `T` are no more bytes than the array's elements, and every bit pattern of theirs is a `T`.
#[track_caller]
unsafe fn copy_out<T: Copy>(handle: &Handle, count: usize) -> Result<Vec<T>> {
    if count == 0 {
        return Ok(Vec::new());
    }
    // SAFETY: a live handle.
    if !unsafe { mlx_sys::mlx_array_row_contiguous(handle.raw()) } {
        return Err(Error::new(ErrorKind::Backend, "read", "the array is not a dense copy of its elements"));
    }
    let mut data = std::ptr::null();
    // SAFETY: `data` is a valid out-pointer; the call fails for an array that is not evaluated.
    call("read", || unsafe { mlx_sys::mlx_array_data(&mut data, handle.raw()) })?;
    let mut out = Vec::<T>::with_capacity(count);
    // SAFETY: the buffer holds the array's elements densely, which the caller promises are enough. Copying bytes asks
    // for no alignment, which MLX does not promise.
    unsafe {
        let bytes = count * size_of::<T>();
        std::ptr::copy_nonoverlapping(data.cast::<u8>(), out.as_mut_ptr().cast::<u8>(), bytes);
        out.set_len(count);
    }
    Ok(out)
}
