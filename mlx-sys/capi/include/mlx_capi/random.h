// Random numbers. The same key always gives the same numbers; without one, the calling thread's generator
// is used.
#ifndef MLX_CAPI_RANDOM_H
#define MLX_CAPI_RANDOM_H

#include "types.h"

MLX_C_BEGIN

// Keys --------------------------------------------------------------------------------------------

/// A key (two uint32) from a seed.
MLX_C_API int mlx_random_key(mlx_array* out, uint64_t seed) MLX_C_NOEXCEPT;

/// Seeds the calling thread's generator. Threads that never do so all draw the same numbers.
MLX_C_API int mlx_random_seed(uint64_t seed) MLX_C_NOEXCEPT;

/// Two new keys from one.
MLX_C_API int mlx_random_split(mlx_array* out_0, mlx_array* out_1, mlx_array key,
                               mlx_stream s) MLX_C_NOEXCEPT;

/// `num` new keys from one, in rows.
MLX_C_API int mlx_random_split_num(mlx_array* out, mlx_array key, int num, mlx_stream s) MLX_C_NOEXCEPT;

// Distributions -----------------------------------------------------------------------------------

/// Random bits in unsigned integers of `width` bytes (1, 2 or 4).
MLX_C_API int mlx_random_bits(mlx_array* out, mlx_ints shape, int width, mlx_array opt_key,
                              mlx_stream s) MLX_C_NOEXCEPT;

/// Uniform in [low, high), which broadcast to the shape.
MLX_C_API int mlx_random_uniform(mlx_array* out, mlx_array low, mlx_array high, mlx_ints shape,
                                 mlx_dtype dtype, mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// Normal with mean `opt_loc` (default 0) and standard deviation `opt_scale` (default 1).
MLX_C_API int mlx_random_normal(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_array opt_loc,
                                mlx_array opt_scale, mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// Jointly normal with mean vectors and covariance matrices whose batch axes broadcast to `shape`. float32,
/// on a CPU stream.
MLX_C_API int mlx_random_multivariate_normal(mlx_array* out, mlx_array mean, mlx_array cov, mlx_ints shape,
                                             mlx_dtype dtype, mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// Standard normal, restricted to [lower, upper], which broadcast to the shape.
MLX_C_API int mlx_random_truncated_normal(mlx_array* out, mlx_array lower, mlx_array upper, mlx_ints shape,
                                          mlx_dtype dtype, mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// The standard Gumbel distribution.
MLX_C_API int mlx_random_gumbel(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_array opt_key,
                                mlx_stream s) MLX_C_NOEXCEPT;

/// The Laplace distribution with mean `loc` and scale `scale`.
MLX_C_API int mlx_random_laplace(mlx_array* out, mlx_ints shape, mlx_dtype dtype, float loc, float scale,
                                 mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// Uniform integers in [low, high), which broadcast to the shape.
MLX_C_API int mlx_random_randint(mlx_array* out, mlx_array low, mlx_array high, mlx_ints shape,
                                 mlx_dtype dtype, mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// True with probability `p`, which broadcasts to the shape; bool.
MLX_C_API int mlx_random_bernoulli(mlx_array* out, mlx_array p, mlx_ints shape, mlx_array opt_key,
                                   mlx_stream s) MLX_C_NOEXCEPT;

/// Indices along `axis`, drawn with probability `softmax(logits)`: one for each of the other positions;
/// uint32.
MLX_C_API int mlx_random_categorical(mlx_array* out, mlx_array logits, int axis, mlx_array opt_key,
                                     mlx_stream s) MLX_C_NOEXCEPT;

/// The same in a given shape, to which `logits` without `axis` must broadcast.
MLX_C_API int mlx_random_categorical_shape(mlx_array* out, mlx_array logits, int axis, mlx_ints shape,
                                           mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// The same with `num_samples` draws in a new last axis.
MLX_C_API int mlx_random_categorical_num_samples(mlx_array* out, mlx_array logits, int axis, int num_samples,
                                                 mlx_array opt_key, mlx_stream s) MLX_C_NOEXCEPT;

/// The slices along an axis in random order.
MLX_C_API int mlx_random_permutation(mlx_array* out, mlx_array x, int axis, mlx_array opt_key,
                                     mlx_stream s) MLX_C_NOEXCEPT;

/// The integers 0 to `n - 1` in random order.
MLX_C_API int mlx_random_permutation_arange(mlx_array* out, int n, mlx_array opt_key,
                                            mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
