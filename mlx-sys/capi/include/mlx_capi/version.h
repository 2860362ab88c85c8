// Which MLX this is.
#ifndef MLX_CAPI_VERSION_H
#define MLX_CAPI_VERSION_H

#include "types.h"

MLX_C_BEGIN

/// The version of the MLX library in use, "major.minor.patch". The text is static.
MLX_C_API int mlx_version(mlx_string* out) MLX_C_NOEXCEPT;

/// Fails when the MLX library in use is not of the version this API was compiled against. Its C++ classes
/// have another layout then, and nothing else may be called.
MLX_C_API int mlx_capi_check_version(void) MLX_C_NOEXCEPT;

MLX_C_END

#endif
