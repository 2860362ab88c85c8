// The CUDA backend. The functions exist in every build.
#ifndef MLX_CAPI_CUDA_H
#define MLX_CAPI_CUDA_H

#include "device.h"

MLX_C_BEGIN

/// Whether this build has the CUDA backend.
MLX_C_API int mlx_cuda_is_available(bool* out) MLX_C_NOEXCEPT;

/// The properties of a CUDA device; see `mlx_device_info`. Fails in a build without CUDA.
MLX_C_API int mlx_cuda_device_info(mlx_info* out, int device_index) MLX_C_NOEXCEPT;

/// Compiles CUDA C++ for an architecture such as `sm_90` with NVRTC, which MLX for CUDA brings along; no headers are
/// there. Gives a cubin, or fails with what the compiler says. The same source is compiled once in a process.
MLX_C_API int mlx_cuda_compile(mlx_owned_string* out, mlx_string source, mlx_string architecture) MLX_C_NOEXCEPT;

MLX_C_END

#endif
