// Streams: queues of work on a device.
#ifndef MLX_CAPI_STREAM_H
#define MLX_CAPI_STREAM_H

#include "types.h"

MLX_C_BEGIN

/// A stream, if there is one.
typedef struct mlx_optional_stream {
  mlx_stream value;
  bool has_value;
} mlx_optional_stream;

/// A name for one stream per thread. It may be shared freely between threads.
typedef struct mlx_thread_local_stream {
  int index;
  mlx_device device;
} mlx_thread_local_stream;

/// The calling thread's default stream of a device, made on first use.
MLX_C_API int mlx_default_stream(mlx_stream* out, mlx_device d) MLX_C_NOEXCEPT;

/// The calling thread's default stream of a device, if it has been made.
MLX_C_API int mlx_peek_default_stream(mlx_optional_stream* out, mlx_device d) MLX_C_NOEXCEPT;

/// Makes `s` the calling thread's default stream of its device.
MLX_C_API int mlx_set_default_stream(mlx_stream s) MLX_C_NOEXCEPT;

/// A new stream, usable on the calling thread only.
MLX_C_API int mlx_new_stream(mlx_stream* out, mlx_device d) MLX_C_NOEXCEPT;

/// A new stream usable on every thread, but on one at a time: the caller provides the lock.
MLX_C_API int mlx_new_thread_unsafe_stream(mlx_stream* out, mlx_device d) MLX_C_NOEXCEPT;

/// A name for which each thread makes a stream of its own.
MLX_C_API int mlx_new_thread_local_stream(mlx_thread_local_stream* out, mlx_device d) MLX_C_NOEXCEPT;

/// The calling thread's stream of that name, made on first use.
MLX_C_API int mlx_stream_from_thread_local_stream(mlx_stream* out, mlx_thread_local_stream s) MLX_C_NOEXCEPT;

/// Writes up to `capacity` of the process's streams to `out` and their total number to `count`.
MLX_C_API int mlx_get_streams(size_t* count, mlx_stream* out, size_t capacity) MLX_C_NOEXCEPT;

/// Waits for all work on the stream.
MLX_C_API int mlx_synchronize(mlx_stream s) MLX_C_NOEXCEPT;

/// Destroys the calling thread's streams and compiled functions. Call it before the thread ends, after
/// `mlx_synchronize`.
MLX_C_API int mlx_clear_streams(void) MLX_C_NOEXCEPT;

MLX_C_END

#endif
