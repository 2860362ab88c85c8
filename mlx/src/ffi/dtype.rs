//! What MLX knows about element types.

use super::{args::ArrayList, call};
use crate::{Dtype, FloatInfo, IntInfo, Result};
use mlx_sys::{mlx_dtype, mlx_float_info, mlx_int_info};
use std::{ffi::c_int, mem::MaybeUninit};

#[track_caller]
pub(crate) fn promote_types(a: Dtype, b: Dtype) -> Result<Dtype> {
    let (a, b) = (a as mlx_dtype, b as mlx_dtype);
    // SAFETY: the out-pointer is valid.
    ask("promote_types", |out| unsafe { mlx_sys::mlx_promote_types(out, a, b) }).map(Dtype::from_code)
}

#[track_caller]
pub(crate) fn result_type(arrays: &ArrayList<'_>) -> Result<Dtype> {
    // SAFETY: the handles are borrowed from arrays that outlive the call, and the out-pointer is valid.
    ask("result_type", |out| unsafe { mlx_sys::mlx_result_type(out, arrays.span()) }).map(Dtype::from_code)
}

#[track_caller]
pub(crate) fn finfo(dtype: Dtype) -> Result<FloatInfo> {
    // SAFETY: the out-pointer is valid.
    let info: mlx_float_info = ask("finfo", |out| unsafe { mlx_sys::mlx_finfo(out, dtype as mlx_dtype) })?;
    let mlx_float_info { bits, min, max, eps, smallest_normal, .. } = info;
    Ok(FloatInfo { bits: bits.unsigned_abs(), min, max, eps, smallest_normal })
}

#[track_caller]
pub(crate) fn iinfo(dtype: Dtype) -> Result<IntInfo> {
    // SAFETY: the out-pointer is valid.
    let info: mlx_int_info = ask("iinfo", |out| unsafe { mlx_sys::mlx_iinfo(out, dtype as mlx_dtype) })?;
    Ok(IntInfo { min: info.min, max: info.max })
}

/// The answer of a function of the C API that writes one.
#[track_caller]
fn ask<T>(op: &'static str, f: impl FnOnce(*mut T) -> c_int) -> Result<T> {
    let mut out = MaybeUninit::uninit();
    call(op, || f(out.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote `out`.
    Ok(unsafe { out.assume_init() })
}
