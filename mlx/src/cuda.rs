//! The CUDA backend.

pub use crate::gpu::{Places, Replay};

use crate::{Error, Property, Result, ffi::device as ffi};
use std::collections::BTreeMap;

/// Whether this build of MLX has the CUDA backend. It says so too where the machine has no GPU:
/// [`Device::is_available`](crate::Device::is_available) tells.
#[track_caller]
pub fn is_available() -> Result<bool> {
    ffi::cuda_is_available()
}

/// The properties of the CUDA device number `index`; an error in a build without CUDA. See
/// [`Device::info`](crate::Device::info).
#[track_caller]
pub fn device_info(index: usize) -> Result<BTreeMap<String, Property>> {
    let count = if is_available()? { crate::Device::Gpu.count()? } else { 0 };
    match i32::try_from(index) {
        Ok(number) if index < count => ffi::cuda_info(number),
        _ => {
            let text = format!("there is no CUDA device {index}; their number is {count}");
            Err(Error::invalid("cuda::device_info", text))
        }
    }
}
