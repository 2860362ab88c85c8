//! What MLX knows of devices and backends.

use super::{
    call,
    call::call_first,
    stream::out,
    text::{borrowed, owned},
};
use crate::{Error, Property, Result};
use mlx_sys::{mlx_device, mlx_info, mlx_string};
use std::{collections::BTreeMap, mem::MaybeUninit};

#[track_caller]
pub(crate) fn count(kind: i32) -> Result<i32> {
    // SAFETY: the out-pointer is valid.
    out("device_count", |count| unsafe { mlx_sys::mlx_device_count(count, kind as _) })
}

/// The properties of a device.
#[track_caller]
pub(crate) fn info(device: mlx_device) -> Result<BTreeMap<String, Property>> {
    // SAFETY: the out-pointer is valid.
    let info = out("device_info", |info| unsafe { mlx_sys::mlx_device_info(info, device) })?;
    Info(info).read("device_info")
}

#[track_caller]
pub(crate) fn metal_is_available() -> Result<bool> {
    // SAFETY: the out-pointer is valid.
    out("metal::is_available", |yes| unsafe { mlx_sys::mlx_metal_is_available(yes) })
}

#[track_caller]
pub(crate) fn metal_info() -> Result<BTreeMap<String, Property>> {
    // SAFETY: the out-pointer is valid.
    let info = out("metal::device_info", |info| unsafe { mlx_sys::mlx_metal_device_info(info) })?;
    Info(info).read("metal::device_info")
}

#[track_caller]
pub(crate) fn metal_start_capture(path: &str) -> Result<()> {
    // SAFETY: the text is borrowed for the length of the call.
    call("metal::start_capture", || unsafe { mlx_sys::mlx_metal_start_capture(borrowed(path)) })
}

#[track_caller]
pub(crate) fn metal_stop_capture() -> Result<()> {
    // SAFETY: takes nothing.
    call("metal::stop_capture", || unsafe { mlx_sys::mlx_metal_stop_capture() })
}

/// Writes a global of MLX that has no lock, so only before anything else.
#[track_caller]
pub(crate) fn metal_set_metallib_path(path: &str) -> Result<()> {
    let op = "metal::set_metallib_path";
    // SAFETY: the text is borrowed for the length of the call, and no other call of the process has been made or is
    // made until this one returns.
    let done = call_first(op, || unsafe { mlx_sys::mlx_metal_set_metallib_path(borrowed(path)) });
    match done {
        Some(result) => result,
        None => Err(Error::invalid(op, "MLX is in use already; call this before anything else of it")),
    }
}

#[track_caller]
pub(crate) fn metal_metallib_path() -> Result<String> {
    // SAFETY: the out-pointer is valid, and the text becomes ours. Nothing writes the path after the first call.
    unsafe { owned("metal::get_metallib_path", |text| mlx_sys::mlx_metal_get_metallib_path(text)) }
}

#[track_caller]
pub(crate) fn cuda_is_available() -> Result<bool> {
    // SAFETY: the out-pointer is valid.
    out("cuda::is_available", |yes| unsafe { mlx_sys::mlx_cuda_is_available(yes) })
}

#[track_caller]
pub(crate) fn cuda_info(index: i32) -> Result<BTreeMap<String, Property>> {
    // SAFETY: the out-pointer is valid.
    let info = out("cuda::device_info", |info| unsafe { mlx_sys::mlx_cuda_device_info(info, index) })?;
    Info(info).read("cuda::device_info")
}

/// Properties owned by us; freed on drop.
struct Info(mlx_info);

impl Info {
    #[track_caller]
    fn read(&self, op: &'static str) -> Result<BTreeMap<String, Property>> {
        // SAFETY: live properties.
        let size = unsafe { mlx_sys::mlx_info_size(self.0) };
        (0..size).map(|i| self.property(op, i)).collect()
    }

    #[track_caller]
    fn property(&self, op: &'static str, i: usize) -> Result<(String, Property)> {
        let mut name = MaybeUninit::<mlx_string>::uninit();
        // SAFETY: both out-pointers are valid, and written when the call succeeds.
        let value = out(op, |value| unsafe { mlx_sys::mlx_info_get(name.as_mut_ptr(), value, self.0, i) })?;
        // SAFETY: the call succeeded; texts live as long as the properties.
        let text = |text: mlx_string| unsafe { super::text::copied(text.data, text.size) };
        let property =
            if value.is_number { Property::Number(value.number) } else { Property::Text(text(value.text)) };
        // SAFETY: written by the call that succeeded.
        Ok((text(unsafe { name.assume_init() }), property))
    }
}

impl Drop for Info {
    fn drop(&mut self) {
        // SAFETY: the properties are ours and freed once.
        unsafe { mlx_sys::mlx_info_free(self.0) };
    }
}
