// Arrays from nothing, or in the likeness of another.
#ifndef MLX_CAPI_OPS_CREATION_H
#define MLX_CAPI_OPS_CREATION_H

#include "../types.h"

MLX_C_BEGIN

// Ranges and constants ----------------------------------------------------------------------------

/// The numbers `start, start + step, ...` below `stop`, in one dimension.
MLX_C_API int mlx_arange(mlx_array* out, double start, double stop, double step, mlx_dtype dtype,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// `num` evenly spaced numbers from `start` to `stop`; without `endpoint`, `stop` itself is left out.
MLX_C_API int mlx_linspace(mlx_array* out, double start, double stop, int num, bool endpoint, mlx_dtype dtype,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// An array filled with `vals`, which is broadcast to the shape.
MLX_C_API int mlx_full(mlx_array* out, mlx_ints shape, mlx_array vals, mlx_dtype dtype,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// An array of the shape of `a`, filled with `vals`.
MLX_C_API int mlx_full_like(mlx_array* out, mlx_array a, mlx_array vals, mlx_dtype dtype,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// An array of zeros.
MLX_C_API int mlx_zeros(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// An array of zeros of the shape of `a`.
MLX_C_API int mlx_zeros_like(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// An array of ones.
MLX_C_API int mlx_ones(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// An array of ones of the shape of `a`.
MLX_C_API int mlx_ones_like(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// Coordinate grids of 1-D arrays. `indexing` is "xy" (first two axes swapped) or "ij"; `sparse` keeps each
/// grid at size 1 along the other axes.
MLX_C_API int mlx_meshgrid(mlx_array_vector* out, mlx_arrays arrays, bool sparse, mlx_string indexing,
                           mlx_stream s) MLX_C_NOEXCEPT;

// Matrices ----------------------------------------------------------------------------------------

/// An `n` by `m` matrix with ones on diagonal `k` (0 the main one, above it positive) and zeros elsewhere.
MLX_C_API int mlx_eye(mlx_array* out, int n, int m, int k, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// The `n` by `n` identity matrix.
MLX_C_API int mlx_identity(mlx_array* out, int n, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// An `n` by `m` matrix with ones on and below diagonal `k` and zeros elsewhere.
MLX_C_API int mlx_tri(mlx_array* out, int n, int m, int k, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// The last two axes on and below diagonal `k`, zeros elsewhere.
MLX_C_API int mlx_tril(mlx_array* out, mlx_array x, int k, mlx_stream s) MLX_C_NOEXCEPT;

/// The last two axes on and above diagonal `k`, zeros elsewhere.
MLX_C_API int mlx_triu(mlx_array* out, mlx_array x, int k, mlx_stream s) MLX_C_NOEXCEPT;

/// Diagonal `k` of a matrix, or the matrix with a vector on diagonal `k`.
MLX_C_API int mlx_diag(mlx_array* out, mlx_array a, int k, mlx_stream s) MLX_C_NOEXCEPT;

// Windows (float32, `m` points) -------------------------------------------------------------------

/// The Hann window.
MLX_C_API int mlx_hanning(mlx_array* out, int m, mlx_stream s) MLX_C_NOEXCEPT;

/// The Hamming window.
MLX_C_API int mlx_hamming(mlx_array* out, int m, mlx_stream s) MLX_C_NOEXCEPT;

/// The Bartlett window, a triangle.
MLX_C_API int mlx_bartlett(mlx_array* out, int m, mlx_stream s) MLX_C_NOEXCEPT;

/// The Blackman window.
MLX_C_API int mlx_blackman(mlx_array* out, int m, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
