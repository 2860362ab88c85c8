// How a call says that it failed.
#ifndef MLX_CAPI_ERROR_H
#define MLX_CAPI_ERROR_H

#include "types.h"

MLX_C_BEGIN

/// The result of every function that returns `int`. When it is not `MLX_OK` no out-pointer has been
/// written, and `mlx_error_message` has the text. No function throws or ends the process.
static const int MLX_OK = 0;
/// A shape, type or value that the operation does not accept.
static const int MLX_INVALID_ARGUMENT = 1;
/// An index outside of its range.
static const int MLX_OUT_OF_RANGE = 2;
/// A failure while running: a missing stream or backend, a file that does not read, a failed kernel.
static const int MLX_RUNTIME = 3;
/// Memory could not be allocated.
static const int MLX_BAD_ALLOC = 4;
/// The file system refused: a directory that cannot be made, a path that cannot be resolved.
static const int MLX_IO = 5;
/// A callback returned non-zero. The message is the one it gave to `mlx_callback_failed`.
static const int MLX_CALLBACK = 6;
/// Something that is not a standard exception was thrown.
static const int MLX_UNKNOWN = 7;

/// The message of this thread's last failed call: text to show, never a format. Empty before the first
/// failure; valid until the next failure on this thread.
MLX_C_API void mlx_error_message(const char** data, size_t* size) MLX_C_NOEXCEPT;

/// For callbacks: the message of the failure that the calling one is about to report by returning non-zero.
MLX_C_API void mlx_callback_failed(mlx_string message) MLX_C_NOEXCEPT;

MLX_C_END

#endif
