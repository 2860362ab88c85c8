//! The Metal backend: recordings of the GPU's work, and where its kernels lie.

use crate::{Property, Result, ffi::device as ffi};
use std::{collections::BTreeMap, marker::PhantomData};

/// Whether this build of MLX has the Metal backend.
#[track_caller]
pub fn is_available() -> Result<bool> {
    ffi::metal_is_available()
}

/// The properties of the GPU and of the system; an error in a build without Metal. See
/// [`Device::info`](crate::Device::info).
#[track_caller]
pub fn device_info() -> Result<BTreeMap<String, Property>> {
    ffi::metal_info()
}

/// A recording of the GPU's work, which ends when this is dropped.
#[derive(Debug)]
pub struct Capture {
    _not_send: PhantomData<*const ()>,
}

/// Records the GPU's work, until the result is dropped, into a trace for Xcode at an absolute path that ends in
/// `.gputrace` and does not exist. The environment variable `MTL_CAPTURE_ENABLED=1` must be set. Without Metal
/// nothing is recorded.
#[doc(alias = "start_capture")]
#[track_caller]
pub fn capture(path: &str) -> Result<Capture> {
    ffi::metal_start_capture(path)?;
    Ok(Capture { _not_send: PhantomData })
}

impl Capture {
    /// Ends the recording, and says whether that failed.
    #[doc(alias = "stop_capture")]
    #[track_caller]
    pub fn stop(self) -> Result<()> {
        std::mem::forget(self);
        ffi::metal_stop_capture()
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        // Who needs to know ends it with `stop`.
        let _ = ffi::metal_stop_capture();
    }
}

/// Sets where `mlx.metallib`, the kernels of MLX, lies.
///
/// MLX reads the path without a lock, so this is an error when MLX has been used before, on any thread. In a build
/// without Metal it is an error too.
#[track_caller]
pub fn set_metallib_path(path: &str) -> Result<()> {
    ffi::metal_set_metallib_path(path)
}

/// The path given to [`set_metallib_path`], empty when there was none; an error in a build without Metal.
#[doc(alias = "get_metallib_path")]
#[track_caller]
pub fn metallib_path() -> Result<String> {
    ffi::metal_metallib_path()
}
