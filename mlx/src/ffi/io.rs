//! Arrays in files.

use super::{
    args::Arg,
    call::{call, call_for_array},
    stream,
};
use crate::{Array, Device, Result};
use mlx_sys::{mlx_safetensors, mlx_string, mlx_strings};
use std::{collections::BTreeMap, mem::MaybeUninit};

/// What a safetensors file holds; freed on drop.
struct Contents(mlx_safetensors);

impl Drop for Contents {
    fn drop(&mut self) {
        // SAFETY: the contents are ours and freed once.
        unsafe { mlx_sys::mlx_safetensors_free(self.0) };
    }
}

/// The arrays of a safetensors file, by name; each is read when it is evaluated. The header was checked.
#[track_caller]
pub(crate) fn load_safetensors(path: &str) -> Result<BTreeMap<String, Array>> {
    const OP: &str = "load_safetensors";
    let stream = reading_stream(OP)?;
    let mut out = MaybeUninit::uninit();
    let path = path.to_c()?;
    // SAFETY: `path` borrows from this function's argument; the call writes `out` when it succeeds.
    call(OP, || unsafe { mlx_sys::mlx_load_safetensors(out.as_mut_ptr(), path, stream) })?;
    // SAFETY: written by the call.
    let contents = Contents(unsafe { out.assume_init() });
    // SAFETY: live contents.
    let size = unsafe { mlx_sys::mlx_safetensors_size(contents.0) };
    (0..size)
        .map(|i| {
            let mut name = mlx_string { data: std::ptr::null(), size: 0 };
            // SAFETY: `i` is below the size, the out-pointer is valid.
            call(OP, || unsafe { mlx_sys::mlx_safetensors_name(&mut name, contents.0, i) })?;
            // SAFETY: as above; each array is taken once.
            let array =
                call_for_array(OP, |out| unsafe { mlx_sys::mlx_safetensors_take(out, contents.0, i) })?;
            Ok((text(&name), array))
        })
        .collect()
}

/// Files are read by the CPU, except in a CUDA build, where loading is an operation of the GPU's stream.
#[track_caller]
fn reading_stream(op: &'static str) -> Result<mlx_sys::mlx_stream> {
    let mut cuda = false;
    // SAFETY: the out-pointer is valid.
    call(op, || unsafe { mlx_sys::mlx_cuda_is_available(&mut cuda) })?;
    if cuda { stream::current(op) } else { stream::default_of(op, Device::Cpu.raw()) }
}

pub(super) fn strings(list: &[&str]) -> Result<Vec<mlx_string>> {
    list.iter().map(Arg::to_c).collect()
}

pub(super) fn spans(list: &[mlx_string]) -> mlx_strings {
    mlx_strings { data: list.as_ptr(), size: list.len() }
}

pub(super) fn text(string: &mlx_string) -> String {
    if string.size == 0 {
        return String::new();
    }
    // SAFETY: MLX gave `size` bytes that live as long as the contents they came from.
    let bytes = unsafe { std::slice::from_raw_parts(string.data.cast::<u8>(), string.size) };
    String::from_utf8_lossy(bytes).into_owned()
}
