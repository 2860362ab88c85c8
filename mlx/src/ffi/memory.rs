//! The allocator's counters and limits.

use super::{ArrayList, call};
use crate::{Array, Result};

macro_rules! counters {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name() -> Result<usize> {
            let mut bytes = 0;
            // SAFETY: the out-pointer is valid.
            call(stringify!($name), || unsafe { mlx_sys::$c(&mut bytes) })?;
            Ok(bytes)
        }
    )* };
}

counters! {
    /// Bytes in use by arrays.
    #[doc(alias = "get_active_memory")]
    active = mlx_get_active_memory;
    /// Bytes kept for reuse.
    #[doc(alias = "get_cache_memory")]
    cached = mlx_get_cache_memory;
    /// The limit of [`set_memory_limit`]: by default most of the machine's memory.
    #[doc(alias = "get_memory_limit")]
    memory_limit = mlx_get_memory_limit;
    /// The most bytes in use since the start or [`reset_peak`].
    #[doc(alias = "get_peak_memory")]
    peak = mlx_get_peak_memory;
}

macro_rules! limits {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name(bytes: usize) -> Result<usize> {
            let mut previous = 0;
            // SAFETY: the out-pointer is valid.
            call(stringify!($name), || unsafe { mlx_sys::$c(&mut previous, bytes) })?;
            Ok(previous)
        }
    )* };
}

limits! {
    /// Limits the bytes kept for reuse; gives the previous limit.
    set_cache_limit = mlx_set_cache_limit;
    /// Evaluation waits for running work above this many bytes; gives the previous limit.
    set_memory_limit = mlx_set_memory_limit;
    /// Keeps this many bytes resident for the GPU (Metal; elsewhere nothing); gives the previous limit.
    set_wired_limit = mlx_set_wired_limit;
}

/// Starts a new peak at the bytes in use now.
#[doc(alias = "reset_peak_memory")]
#[track_caller]
pub fn reset_peak() -> Result<()> {
    // SAFETY: takes nothing.
    call("reset_peak", || unsafe { mlx_sys::mlx_reset_peak_memory() })
}

/// Gives the cached buffers back to the system.
#[track_caller]
pub fn clear_cache() -> Result<()> {
    // SAFETY: takes nothing.
    call("clear_cache", || unsafe { mlx_sys::mlx_clear_cache() })
}

/// The bytes of the buffers behind `arrays`, which are evaluated first; a buffer that several share counts once.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::ones(&[1024], mlx::Dtype::F32);
/// assert!(mlx::memory::buffer_size([&x, &x.at(1..)?])? < 2 * 4096);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "get_array_buffer_size")]
#[track_caller]
pub fn buffer_size<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Result<usize> {
    let arrays: Vec<&Array> = arrays.into_iter().collect();
    super::eval(&arrays)?;
    let list = ArrayList::of(arrays)?;
    let mut bytes = 0;
    // SAFETY: the handles are borrowed from evaluated arrays that outlive the call; the out-pointer is valid.
    call("buffer_size", || unsafe { mlx_sys::mlx_get_array_buffer_size(&mut bytes, list.span()) })?;
    Ok(bytes)
}
