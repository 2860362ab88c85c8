//! Where work runs. Operations take no stream; a scope chooses it.

use crate::{Device, Error, Result, ffi::stream as ffi};
use std::{marker::PhantomData, sync::LazyLock, thread::available_parallelism};

/// A queue of work, bound to the thread that made it.
///
/// ```compile_fail,E0277
/// let stream = mlx::Stream::new(mlx::Device::Cpu).unwrap();
/// std::thread::spawn(move || drop(stream));
/// ```
#[derive(Clone, Debug)]
pub struct Stream {
    raw: mlx_sys::mlx_stream,
    _not_send: PhantomData<*const ()>,
}

impl Stream {
    fn of(raw: mlx_sys::mlx_stream) -> Stream {
        Stream { raw, _not_send: PhantomData }
    }

    /// A new queue on `device`. MLX keeps one thread per CPU stream for the life of the process: make few.
    #[doc(alias = "new_stream")]
    #[track_caller]
    pub fn new(device: Device) -> Result<Stream> {
        ffi::new(device.raw()).map(Stream::of)
    }

    /// This thread's default queue on `device`, made when it is first asked for.
    #[doc(alias = "default_stream")]
    #[track_caller]
    pub fn default_of(device: Device) -> Result<Stream> {
        ffi::default_of("default_stream", device.raw()).map(Stream::of)
    }

    /// This thread's default queue on `device`, if it has been made.
    #[doc(alias = "peek_default_stream")]
    #[track_caller]
    pub fn peek_default_of(device: Device) -> Result<Option<Stream>> {
        match device.is_available()? {
            true => Ok(ffi::peek_default_of(device.raw())?.map(Stream::of)),
            false => Ok(None),
        }
    }

    /// The queue this thread's operations go to: that of the innermost scope, or the default one.
    #[track_caller]
    pub fn current() -> Result<Stream> {
        ffi::current_stream().map(Stream::of)
    }

    /// Makes this queue the thread's default on its device. For a part of a program use [`with_stream`].
    #[doc(alias = "set_default_stream")]
    #[track_caller]
    pub fn set_default(&self) -> Result<()> {
        ffi::set_default(self.raw)
    }

    /// The device whose work this queue holds.
    pub fn device(&self) -> Device {
        Device::from_raw(self.raw.device)
    }

    /// The number of the queue among those of the process; see [`streams`].
    pub fn index(&self) -> i32 {
        self.raw.index
    }

    /// Waits for all work of the queue.
    #[track_caller]
    pub fn synchronize(&self) -> Result<()> {
        ffi::synchronize(Some(self.raw))
    }
}

/// The number and the device of every queue of the process, those of other threads included.
///
/// Numbers, not queues: a [`Stream`] works on the thread that made it only.
#[doc(alias = "get_streams")]
#[track_caller]
pub fn streams() -> Result<Vec<(i32, Device)>> {
    let streams = ffi::all()?;
    Ok(streams.into_iter().map(|raw| (raw.index, Device::from_raw(raw.device))).collect())
}

/// A name for one queue per thread, which threads may share.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Device, Dtype, ThreadLocalStream, ones, with_stream};
/// let name = ThreadLocalStream::new(Device::Cpu)?;
/// let sum = || with_stream(&name.stream()?, || ones(&[3], Dtype::F32).sum(..))?.item::<f32>();
/// assert_eq!(sum()?, 3.0);
/// assert_eq!(std::thread::scope(|scope| scope.spawn(sum).join().unwrap())?, 3.0);
/// # Ok(())
/// # }
/// ```
// MLX can also make a queue that any thread may use while no other does. It has no lock for that, so there is no
// safe way to offer it; a `ThreadLocalStream` or an `Engine` does what it is for.
#[doc(alias = "new_thread_local_stream")]
#[derive(Clone, Copy, Debug)]
pub struct ThreadLocalStream {
    index: i32,
    device: Device,
}

impl ThreadLocalStream {
    /// A new name, for queues on `device`.
    #[track_caller]
    pub fn new(device: Device) -> Result<ThreadLocalStream> {
        if !device.is_available()? {
            return Err(Error::invalid("new_thread_local_stream", format!("there is no device {device:?}")));
        }
        let raw = ffi::new_thread_local(device.raw())?;
        Ok(ThreadLocalStream { index: raw.index, device })
    }

    /// This thread's queue of that name, made when it is first asked for.
    #[doc(alias = "stream_from_thread_local_stream")]
    #[track_caller]
    pub fn stream(self) -> Result<Stream> {
        let name = mlx_sys::mlx_thread_local_stream { index: self.index, device: self.device.raw() };
        ffi::of_thread_local(name).map(Stream::of)
    }
}

/// Waits for all work of the current stream.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, async_eval, ones, synchronize};
/// let x = ones(&[64, 64], Dtype::F32);
/// let start = std::time::Instant::now();
/// async_eval([&x.matmul(&x)?])?;
/// synchronize()?;
/// println!("{:?}", start.elapsed());
/// # Ok(())
/// # }
/// ```
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
#[doc(alias = "StreamContext")]
#[doc(alias = "mx.stream")]
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
    pub(crate) fn enter(stream: mlx_sys::mlx_stream) -> Scope {
        Scope { outer: ffi::replace_scope(Some(stream)) }
    }

    /// A scope on this thread's default CPU queue; `None` where operations run on the CPU already.
    #[track_caller]
    pub(crate) fn cpu_instead(op: &'static str) -> Result<Option<Scope>> {
        Ok(ffi::cpu_instead(op)?.map(Scope::enter))
    }
}

impl Drop for Scope {
    fn drop(&mut self) {
        ffi::replace_scope(self.outer);
    }
}
