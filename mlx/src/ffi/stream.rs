//! Devices and streams of the calling thread.

use super::call;
use crate::Result;
use mlx_sys::{mlx_device, mlx_stream};
use std::{cell::Cell, mem::MaybeUninit};

thread_local! {
    /// What ops of this thread run on: set by scopes, otherwise MLX's default, asked for once.
    static CURRENT: Cell<Option<mlx_stream>> = const { Cell::new(None) };
    /// A second CPU queue, made when it is first asked for.
    static BESIDE: Cell<Option<mlx_stream>> = const { Cell::new(None) };
}

/// The stream of this thread's ops.
#[track_caller]
pub(super) fn current(op: &'static str) -> Result<mlx_stream> {
    if let Some(stream) = CURRENT.get() {
        return Ok(stream);
    }
    let stream = default_of(op, default_device(op)?)?;
    CURRENT.set(Some(stream));
    Ok(stream)
}

/// What tells the stream of this thread's ops from others.
#[track_caller]
pub(crate) fn key() -> Result<[u8; 8]> {
    let stream = current("compile")?;
    let (index, device) = (stream.index.to_le_bytes(), stream.device.type_.to_le_bytes());
    Ok([index[0], index[1], index[2], index[3], device[0], device[1], device[2], device[3]])
}

/// Puts `stream` in place of the current one and returns that.
pub(crate) fn replace_current(stream: Option<mlx_stream>) -> Option<mlx_stream> {
    CURRENT.replace(stream)
}

/// This thread's default CPU queue, while ops run on another device.
#[track_caller]
pub(crate) fn cpu_instead(op: &'static str) -> Result<Option<mlx_stream>> {
    if current(op)?.device.type_ == mlx_sys::MLX_CPU {
        return Ok(None);
    }
    default_of(op, mlx_device { type_: mlx_sys::MLX_CPU, index: 0 }).map(Some)
}

/// The second CPU queue, while ops run on the CPU; `None` on other devices and on that queue itself.
#[track_caller]
pub(crate) fn beside() -> Result<Option<mlx_stream>> {
    let now = current("beside")?;
    let side = match BESIDE.get() {
        _ if now.device.type_ != mlx_sys::MLX_CPU => return Ok(None),
        Some(side) => side,
        None => new(now.device)?,
    };
    BESIDE.set(Some(side));
    Ok((side.index != now.index).then_some(side))
}

#[track_caller]
fn default_device(op: &'static str) -> Result<mlx_device> {
    // SAFETY: the out-pointer is valid.
    out(op, |device| unsafe { mlx_sys::mlx_default_device(device) })
}

/// The type code of MLX's default device.
#[track_caller]
pub(crate) fn default_device_type() -> Result<i32> {
    Ok(default_device("default_device")?.type_ as i32)
}

#[track_caller]
pub(crate) fn device_count(kind: i32) -> Result<i32> {
    // SAFETY: the out-pointer is valid.
    out("device_count", |count| unsafe { mlx_sys::mlx_device_count(count, kind as _) })
}

/// This thread's default stream of `device`.
#[track_caller]
pub(crate) fn default_of(op: &'static str, device: mlx_device) -> Result<mlx_stream> {
    // SAFETY: the out-pointer is valid.
    out(op, |stream| unsafe { mlx_sys::mlx_default_stream(stream, device) })
}

/// A new stream of this thread.
#[track_caller]
pub(crate) fn new(device: mlx_device) -> Result<mlx_stream> {
    // SAFETY: the out-pointer is valid.
    out("new_stream", |stream| unsafe { mlx_sys::mlx_new_stream(stream, device) })
}

/// Waits for all work of `stream`.
#[track_caller]
pub(crate) fn synchronize(stream: Option<mlx_stream>) -> Result<()> {
    let stream = match stream {
        Some(stream) => stream,
        None => current("synchronize")?,
    };
    // SAFETY: streams are plain numbers; MLX refuses one that this thread does not have.
    call("synchronize", || unsafe { mlx_sys::mlx_synchronize(stream) })
}

/// Frees the streams of this thread, and forgets those kept here.
#[track_caller]
pub(crate) fn clear() -> Result<()> {
    CURRENT.set(None);
    BESIDE.set(None);
    // SAFETY: no work is in flight: the caller has synchronized.
    call("clear_streams", || unsafe { mlx_sys::mlx_clear_streams() })
}

#[track_caller]
fn out<T>(op: &'static str, f: impl FnOnce(*mut T) -> std::ffi::c_int) -> Result<T> {
    let mut out = MaybeUninit::uninit();
    call(op, || f(out.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote `out`.
    Ok(unsafe { out.assume_init() })
}
