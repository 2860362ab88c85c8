//! Streams of the calling thread.

use super::call;
use crate::Result;
use mlx_sys::{mlx_device, mlx_stream, mlx_thread_local_stream};
use std::{
    cell::Cell,
    mem::MaybeUninit,
    sync::atomic::{AtomicI32, Ordering},
};

thread_local! {
    /// What a scope put in place of the default.
    static SCOPE: Cell<Option<mlx_stream>> = const { Cell::new(None) };
    /// The default stream of the default device, asked for once.
    static DEFAULT: Cell<Option<mlx_stream>> = const { Cell::new(None) };
    /// A second CPU queue, made when it is first asked for.
    static BESIDE: Cell<Option<mlx_stream>> = const { Cell::new(None) };
}

/// The type of the default device, or -1 for MLX's own choice. MLX has such a global too, but no lock for it.
static DEFAULT_DEVICE: AtomicI32 = AtomicI32::new(-1);

/// The stream of this thread's ops.
#[track_caller]
pub(crate) fn current(op: &'static str) -> Result<mlx_stream> {
    if let Some(stream) = SCOPE.get() {
        return Ok(stream);
    }
    if let Some(stream) = DEFAULT.get() {
        return Ok(stream);
    }
    let stream = default_of(op, default_device(op)?)?;
    DEFAULT.set(Some(stream));
    Ok(stream)
}

/// What tells the stream of this thread's ops from others.
#[track_caller]
pub(crate) fn key() -> Result<[u8; 8]> {
    let stream = current("compile")?;
    let (index, device) = (stream.index.to_le_bytes(), stream.device.type_.to_le_bytes());
    Ok([index[0], index[1], index[2], index[3], device[0], device[1], device[2], device[3]])
}

/// The stream of this thread's ops.
#[track_caller]
pub(crate) fn current_stream() -> Result<mlx_stream> {
    current("current_stream")
}

/// Puts `stream` in place of that of the enclosing scope and returns that.
pub(crate) fn replace_scope(stream: Option<mlx_stream>) -> Option<mlx_stream> {
    SCOPE.replace(stream)
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
pub(crate) fn default_device(op: &'static str) -> Result<mlx_device> {
    match DEFAULT_DEVICE.load(Ordering::Relaxed) {
        // SAFETY: the out-pointer is valid. Nothing in this crate writes MLX's global.
        -1 => out(op, |device| unsafe { mlx_sys::mlx_default_device(device) }),
        kind => Ok(mlx_device { type_: kind as _, index: 0 }),
    }
}

/// Sets the default device for this thread, and for others that have run nothing yet.
pub(crate) fn set_default_device(kind: i32) {
    DEFAULT_DEVICE.store(kind, Ordering::Relaxed);
    DEFAULT.set(None);
}

/// This thread's default stream of `device`.
#[track_caller]
pub(crate) fn default_of(op: &'static str, device: mlx_device) -> Result<mlx_stream> {
    // SAFETY: the out-pointer is valid.
    out(op, |stream| unsafe { mlx_sys::mlx_default_stream(stream, device) })
}

/// This thread's default stream of `device`, if it has been made.
#[track_caller]
pub(crate) fn peek_default_of(device: mlx_device) -> Result<Option<mlx_stream>> {
    // SAFETY: the out-pointer is valid.
    let stream =
        out("peek_default_stream", |stream| unsafe { mlx_sys::mlx_peek_default_stream(stream, device) })?;
    Ok(stream.has_value.then_some(stream.value))
}

/// Makes `stream`, which is this thread's, its default for the stream's device.
#[track_caller]
pub(crate) fn set_default(stream: mlx_stream) -> Result<()> {
    // SAFETY: streams are plain numbers; the default is this thread's own.
    call("set_default_stream", || unsafe { mlx_sys::mlx_set_default_stream(stream) })?;
    DEFAULT.set(None);
    Ok(())
}

/// A new stream of this thread.
#[track_caller]
pub(crate) fn new(device: mlx_device) -> Result<mlx_stream> {
    // SAFETY: the out-pointer is valid.
    out("new_stream", |stream| unsafe { mlx_sys::mlx_new_stream(stream, device) })
}

/// A name for one stream per thread.
#[track_caller]
pub(crate) fn new_thread_local(device: mlx_device) -> Result<mlx_thread_local_stream> {
    // SAFETY: the out-pointer is valid.
    out("new_thread_local_stream", |name| unsafe { mlx_sys::mlx_new_thread_local_stream(name, device) })
}

/// This thread's stream of that name.
#[track_caller]
pub(crate) fn of_thread_local(name: mlx_thread_local_stream) -> Result<mlx_stream> {
    // SAFETY: the out-pointer is valid; names are plain numbers.
    out("stream_from_thread_local_stream", |stream| unsafe {
        mlx_sys::mlx_stream_from_thread_local_stream(stream, name)
    })
}

/// All streams of the process.
#[track_caller]
pub(crate) fn all() -> Result<Vec<mlx_stream>> {
    const UNUSED: mlx_stream = mlx_stream { index: -1, device: mlx_device { type_: 0, index: 0 } };
    let mut streams = Vec::new();
    loop {
        let capacity = streams.len();
        // SAFETY: `streams` has room for `capacity` streams, and the count's out-pointer is valid.
        let count = out("get_streams", |count| unsafe {
            mlx_sys::mlx_get_streams(count, streams.as_mut_ptr(), capacity)
        })?;
        streams.resize(count, UNUSED);
        // Another thread may have made one since the room was measured.
        if count <= capacity {
            return Ok(streams);
        }
    }
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
    SCOPE.set(None);
    DEFAULT.set(None);
    BESIDE.set(None);
    // SAFETY: no work is in flight: the caller has synchronized.
    call("clear_streams", || unsafe { mlx_sys::mlx_clear_streams() })
}

#[track_caller]
pub(super) fn out<T>(op: &'static str, f: impl FnOnce(*mut T) -> std::ffi::c_int) -> Result<T> {
    let mut out = MaybeUninit::uninit();
    call(op, || f(out.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote `out`.
    Ok(unsafe { out.assume_init() })
}
