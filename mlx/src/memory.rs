//! What MLX's allocator holds, in bytes. Buffers that are freed stay in a cache for reuse.

pub use crate::ffi::memory::{
    active, cached, clear_cache, peak, reset_peak, set_cache_limit, set_memory_limit, set_wired_limit,
};
