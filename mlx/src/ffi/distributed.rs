//! Groups of processes and what they exchange.

use super::{
    args::Arg,
    call::{call, call_for_array},
    stream,
};
use crate::{Array, Device, Dtype, Result};
use mlx_sys::{mlx_group, mlx_stream};
use std::{ffi::c_int, marker::PhantomData, mem::MaybeUninit};

/// A group of the C API, of one thread.
///
/// Work in flight refers to its group without counting, and so do threads of MLX when the process ends. A group is
/// therefore kept for the life of the process, unless it must be there for MLX to close: there are few.
pub(crate) struct GroupHandle {
    raw: mlx_group,
    kept: bool,
    _not_send: PhantomData<*const ()>,
}

impl GroupHandle {
    #[track_caller]
    fn of(op: &'static str, kept: bool, f: impl FnOnce(*mut mlx_group) -> c_int) -> Result<GroupHandle> {
        let mut out = MaybeUninit::uninit();
        call(op, || f(out.as_mut_ptr()))?;
        // SAFETY: the call succeeded, so it wrote a group that is ours.
        let raw = unsafe { out.assume_init() };
        Ok(GroupHandle { raw, kept, _not_send: PhantomData })
    }

    /// The group of all processes. The backend's environment variables were checked, and nobody else is here.
    #[track_caller]
    pub(crate) fn init(backend: &str, kept: bool) -> Result<GroupHandle> {
        let backend = backend.to_c()?;
        // SAFETY: the text lives until the end of this function; the call writes `out` when it succeeds.
        GroupHandle::of("init", kept, |out| unsafe { mlx_sys::mlx_distributed_init(out, true, backend) })
    }

    #[track_caller]
    pub(crate) fn split(&self, color: i32, key: i32) -> Result<GroupHandle> {
        // SAFETY: a live group; the call writes `out` when it succeeds.
        GroupHandle::of("split", true, |out| unsafe { mlx_sys::mlx_group_split(out, self.raw, color, key) })
    }

    #[track_caller]
    pub(crate) fn rank(&self) -> Result<i32> {
        let mut rank = 0;
        // SAFETY: a live group and a valid out-pointer.
        call("rank", || unsafe { mlx_sys::mlx_group_rank(&mut rank, self.raw) })?;
        Ok(rank)
    }

    #[track_caller]
    pub(crate) fn size(&self) -> Result<i32> {
        let mut size = 0;
        // SAFETY: a live group and a valid out-pointer.
        call("size", || unsafe { mlx_sys::mlx_group_size(&mut size, self.raw) })?;
        Ok(size)
    }
}

impl Drop for GroupHandle {
    fn drop(&mut self) {
        if !self.kept {
            // SAFETY: the group is ours and released once; MLX's own table keeps it alive.
            unsafe { mlx_sys::mlx_group_free(self.raw) };
        }
    }
}

/// Whether this build of MLX can use the backend.
#[track_caller]
pub(crate) fn is_available(backend: &str) -> Result<bool> {
    let (mut available, backend) = (false, backend.to_c()?);
    // SAFETY: the text lives until the end of this function, the out-pointer is valid.
    call("is_available", || unsafe { mlx_sys::mlx_distributed_is_available(&mut available, backend) })?;
    Ok(available)
}

/// All messages of a process share the sockets of its group, so they must not run at once: one stream for all. Where
/// a backend communicates on the GPU, the C API takes the default stream there.
#[track_caller]
fn one_stream(op: &'static str) -> Result<mlx_stream> {
    stream::default_of(op, Device::Cpu.raw())
}

macro_rules! communication {
    ($($name:ident($($arg:ident: $ty:ty),*) = $c:ident;)*) => { $(
        #[track_caller]
        pub(crate) fn $name($($arg: $ty,)* group: &GroupHandle) -> Result<Array> {
            $(let $arg = (&$arg, $arg.to_c()?);)*
            let stream = one_stream(stringify!($name))?;
            // SAFETY: each `to_c` gave a value of the type the C declaration asks for, valid while its source is, and
            // the sources live until the end of this function. The call writes `out` when it succeeds.
            call_for_array(stringify!($name), |out| unsafe {
                mlx_sys::$c(out, $($arg.1,)* group.raw, stream)
            })
        }
    )* };
}

communication! {
    all_gather(x: &Array) = mlx_distributed_all_gather;
    all_max(x: &Array) = mlx_distributed_all_max;
    all_min(x: &Array) = mlx_distributed_all_min;
    all_sum(x: &Array) = mlx_distributed_all_sum;
    recv(shape: &[i32], dtype: Dtype, source: i32) = mlx_distributed_recv;
    recv_like(x: &Array, source: i32) = mlx_distributed_recv_like;
    send(x: &Array, destination: i32) = mlx_distributed_send;
    sum_scatter(x: &Array) = mlx_distributed_sum_scatter;
}
