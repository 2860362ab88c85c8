// The GPUs of this build, of whichever kind.
#ifndef MLX_CAPI_GPU_H
#define MLX_CAPI_GPU_H

#include "device.h"

MLX_C_BEGIN

/// Whether this build has a GPU backend. A CUDA build says yes also on a machine without a GPU: ask
/// `mlx_gpu_device_count`.
MLX_C_API int mlx_gpu_is_available(bool* out) MLX_C_NOEXCEPT;

/// The number of GPUs.
MLX_C_API int mlx_gpu_device_count(int* out) MLX_C_NOEXCEPT;

/// The properties of a GPU; see `mlx_device_info`.
MLX_C_API int mlx_gpu_device_info(mlx_info* out, int device_index) MLX_C_NOEXCEPT;

MLX_C_END

#endif
