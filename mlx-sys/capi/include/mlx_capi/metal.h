// The Metal backend. The functions exist in every build.
#ifndef MLX_CAPI_METAL_H
#define MLX_CAPI_METAL_H

#include "device.h"

MLX_C_BEGIN

/// Whether this build has the Metal backend.
MLX_C_API int mlx_metal_is_available(bool* out) MLX_C_NOEXCEPT;

/// Records the work of the GPU into a trace for Xcode at an absolute path ending in `.gputrace`. The
/// variable `MTL_CAPTURE_ENABLED=1` must be set. Does nothing without Metal.
MLX_C_API int mlx_metal_start_capture(mlx_string path) MLX_C_NOEXCEPT;

/// Ends the recording.
MLX_C_API int mlx_metal_stop_capture(void) MLX_C_NOEXCEPT;

/// The properties of the GPU and of the system; see `mlx_device_info`. Fails in a build without Metal.
MLX_C_API int mlx_metal_device_info(mlx_info* out) MLX_C_NOEXCEPT;

/// Where `mlx.metallib`, the kernels of MLX, lies. Call it before anything else.
MLX_C_API int mlx_metal_set_metallib_path(mlx_string path) MLX_C_NOEXCEPT;

/// The path set by `mlx_metal_set_metallib_path`, or nothing.
MLX_C_API int mlx_metal_get_metallib_path(mlx_owned_string* out) MLX_C_NOEXCEPT;

MLX_C_END

#endif
