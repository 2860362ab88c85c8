//! The allocator's counters and limits.

use super::call;
use crate::Result;

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
    active = mlx_get_active_memory;
    /// Bytes kept for reuse.
    cached = mlx_get_cache_memory;
    /// The most bytes in use since the start or [`reset_peak`].
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
