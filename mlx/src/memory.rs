//! What MLX's allocator holds, in bytes. Buffers that are freed stay in a cache for reuse.

pub use crate::ffi::memory::{
    active, buffer_size, cached, clear_cache, memory_limit, peak, reset_peak, set_cache_limit,
    set_memory_limit, set_wired_limit,
};
