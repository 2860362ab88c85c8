// The memory of MLX's allocator, in bytes, over all threads.
#ifndef MLX_CAPI_MEMORY_H
#define MLX_CAPI_MEMORY_H

#include "types.h"

MLX_C_BEGIN

/// The memory held by living arrays.
MLX_C_API int mlx_get_active_memory(size_t* out) MLX_C_NOEXCEPT;

/// The largest active memory since the program began or the peak was reset.
MLX_C_API int mlx_get_peak_memory(size_t* out) MLX_C_NOEXCEPT;

/// Lets the peak begin anew.
MLX_C_API int mlx_reset_peak_memory(void) MLX_C_NOEXCEPT;

/// The memory that was freed and is kept for reuse.
MLX_C_API int mlx_get_cache_memory(size_t* out) MLX_C_NOEXCEPT;

/// The size of the buffers behind evaluated arrays; a shared buffer counts once.
MLX_C_API int mlx_get_array_buffer_size(size_t* out, mlx_arrays arrays) MLX_C_NOEXCEPT;

/// Above this much active memory an evaluation waits for running work before it allocates more.
MLX_C_API int mlx_get_memory_limit(size_t* out) MLX_C_NOEXCEPT;

/// Sets the memory limit and gives the one before.
MLX_C_API int mlx_set_memory_limit(size_t* out_previous, size_t limit) MLX_C_NOEXCEPT;

/// Sets how much freed memory is kept (0: none) and gives the limit before.
MLX_C_API int mlx_set_cache_limit(size_t* out_previous, size_t limit) MLX_C_NOEXCEPT;

/// Returns all freed memory to the system.
MLX_C_API int mlx_clear_cache(void) MLX_C_NOEXCEPT;

/// Sets how much memory is kept resident and gives the limit before. Metal only; elsewhere it does nothing.
MLX_C_API int mlx_set_wired_limit(size_t* out_previous, size_t limit) MLX_C_NOEXCEPT;

MLX_C_END

#endif
