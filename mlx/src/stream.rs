//! Where work runs. Operations take no stream; a scope chooses it.

use crate::{Result, ffi::stream as ffi};
use std::{marker::PhantomData, sync::LazyLock, thread::available_parallelism};

/// A kind of processor.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Device {
    /// The host's processor.
    Cpu,
    /// The GPU of a Metal or CUDA build.
    Gpu,
}

impl Device {
    pub(crate) fn raw(self) -> mlx_sys::mlx_device {
        mlx_sys::mlx_device { type_: self as _, index: 0 }
    }

    /// The device operations run on outside any scope: the GPU where the build has one.
    #[track_caller]
    pub fn default_device() -> Result<Device> {
        Ok(if ffi::default_device_type()? == Device::Gpu as i32 { Device::Gpu } else { Device::Cpu })
    }

    /// Whether this build of MLX has such a device and the machine has one too.
    #[track_caller]
    pub fn is_available(self) -> Result<bool> {
        Ok(ffi::device_count(self as i32)? > 0)
    }
}

/// A queue of work, bound to the thread that made it.
#[derive(Clone, Debug)]
pub struct Stream {
    raw: mlx_sys::mlx_stream,
    _not_send: PhantomData<*const ()>,
}

impl Stream {
    /// A new queue on `device`. MLX keeps one thread per CPU stream for the life of the process: make few.
    #[track_caller]
    pub fn new(device: Device) -> Result<Stream> {
        Ok(Stream { raw: ffi::new(device.raw())?, _not_send: PhantomData })
    }

    /// This thread's default queue on `device`.
    #[track_caller]
    pub fn default_of(device: Device) -> Result<Stream> {
        Ok(Stream { raw: ffi::default_of("default_stream", device.raw())?, _not_send: PhantomData })
    }

    /// Waits for all work of the queue.
    #[track_caller]
    pub fn synchronize(&self) -> Result<()> {
        ffi::synchronize(Some(self.raw))
    }
}

/// Waits for all work of the current stream.
#[track_caller]
pub fn synchronize() -> Result<()> {
    ffi::synchronize(None)
}

/// Runs `f` with every operation of this thread on `stream`; scopes nest, and a panic restores too.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Device, Stream, with_stream};
/// let x = Array::from_slice(&[1.0f32, 2.0], &[2]);
/// let cpu = Stream::new(Device::Cpu)?;
/// assert_eq!(with_stream(&cpu, || x.sum(..))?.item::<f32>()?, 3.0);
/// # Ok(())
/// # }
/// ```
pub fn with_stream<T>(stream: &Stream, f: impl FnOnce() -> T) -> T {
    on(stream.raw, f)
}

/// Runs `f` with the operations of this thread on a second CPU queue, so that they may be computed beside what is
/// recorded around it. Where operations run on another device, or there is one processor only, just runs `f`.
///
/// MLX computes each CPU queue on one thread, and lets queues wait for each other where arrays need it: worth it for
/// independent work of a tenth of a millisecond and more.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, beside, random};
/// let x = random::normal(&[64, 64], Dtype::F32, &random::key(0)?)?;
/// let aside = beside(|| x.matmul(&x))?;
/// let sum = x.matmul(&x.t()?)? + aside; // both products at once
/// assert_eq!(sum.shape()?, [64, 64]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn beside<T>(f: impl FnOnce() -> Result<T>) -> Result<T> {
    static ALONE: LazyLock<bool> =
        LazyLock::new(|| available_parallelism().is_ok_and(|count| count.get() == 1));
    if *ALONE {
        return f();
    }
    match ffi::beside()? {
        Some(stream) => on(stream, f),
        None => f(),
    }
}

/// Runs `f` on `stream`, and restores the current one also when `f` panics.
fn on<T>(stream: mlx_sys::mlx_stream, f: impl FnOnce() -> T) -> T {
    let _scope = Scope::enter(stream);
    f()
}

/// Puts another stream in place of the current one until it is dropped.
pub(crate) struct Scope {
    outer: Option<mlx_sys::mlx_stream>,
}

impl Scope {
    fn enter(stream: mlx_sys::mlx_stream) -> Scope {
        Scope { outer: ffi::replace_current(Some(stream)) }
    }

    /// A scope on this thread's default CPU queue; `None` where operations run on the CPU already.
    #[track_caller]
    pub(crate) fn cpu_instead(op: &'static str) -> Result<Option<Scope>> {
        Ok(ffi::cpu_instead(op)?.map(Scope::enter))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        ffi::replace_current(self.outer);
    }
}
