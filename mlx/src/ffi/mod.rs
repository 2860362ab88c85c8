//! The only place of this crate with `unsafe`: every call of the C API, wrapped so that the rest is safe code.
//!
//! One operation's whole path: `Array::exp` (documented, in `ops/`) → `ffi::ops::exp` (one line of the table in
//! `ops.rs` here) → `mlx_exp` (`mlx-sys/capi`) → `mlx::core::exp`.

#[macro_use]
mod table;

mod args;
mod call;
mod closure;
pub(crate) mod conv;
mod data;
pub(crate) mod device;
pub(crate) mod distributed;
pub(crate) mod dtype;
pub(crate) mod einsum;
pub(crate) mod export;
pub(crate) mod fft;
pub(crate) mod graph;
mod handle;
pub(crate) mod import;
pub(crate) mod io;
pub(crate) mod kernels;
pub(crate) mod linalg;
pub(crate) mod matrix;
pub(crate) mod memory;
pub(crate) mod ops;
pub(crate) mod print;
pub(crate) mod quantized;
mod shared;
pub(crate) mod stream;
mod text;
pub(crate) mod transforms;

pub(crate) use args::ArrayList;
pub(crate) use call::call;
pub(crate) use data::{Scalar, from_bytes, from_slice, is_readable, read, read_bytes, scalar};
pub(crate) use handle::Handle;
pub(crate) use shared::SharedHandle;

use crate::{Array, Result};

/// Evaluates `arrays` and waits.
#[track_caller]
pub(crate) fn eval(arrays: &[&Array]) -> Result<()> {
    let list = ArrayList::of(arrays.iter().copied())?;
    // SAFETY: the handles are borrowed from arrays that outlive the call.
    call("eval", || unsafe { mlx_sys::mlx_eval(list.span()) })
}

/// Starts evaluating `arrays` and returns.
#[track_caller]
pub(crate) fn async_eval(arrays: &[&Array]) -> Result<()> {
    let list = ArrayList::of(arrays.iter().copied())?;
    // SAFETY: as in `eval`; MLX takes its own references to what it works on after the call returns.
    call("async_eval", || unsafe { mlx_sys::mlx_async_eval(list.span()) })
}
