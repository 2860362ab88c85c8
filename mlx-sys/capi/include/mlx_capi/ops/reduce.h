// Reductions and scans. With `keepdims` a reduced axis stays with size 1.
#ifndef MLX_CAPI_OPS_REDUCE_H
#define MLX_CAPI_OPS_REDUCE_H

#include "../types.h"

MLX_C_BEGIN

// Reductions --------------------------------------------------------------------------------------

/// Whether all elements are true; bool.
MLX_C_API int mlx_all(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether any element is true; bool.
MLX_C_API int mlx_any(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// The sum.
MLX_C_API int mlx_sum(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// The product.
MLX_C_API int mlx_prod(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// The largest element; NaN if there is one.
MLX_C_API int mlx_max(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// The smallest element; NaN if there is one.
MLX_C_API int mlx_min(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// The mean.
MLX_C_API int mlx_mean(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// The median.
MLX_C_API int mlx_median(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// `log(sum(exp(a)))`, without overflow.
MLX_C_API int mlx_logsumexp(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The number of non-zero elements; int32.
MLX_C_API int mlx_count_nonzero(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims,
                                mlx_stream s) MLX_C_NOEXCEPT;

/// The smallest and the largest element.
MLX_C_API int mlx_minmax(mlx_array* out_min, mlx_array* out_max, mlx_array a, mlx_axes axes, bool keepdims,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The variance: squares are divided by the count less `ddof`.
MLX_C_API int mlx_var(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, int ddof,
                      mlx_stream s) MLX_C_NOEXCEPT;

/// The standard deviation: squares are divided by the count less `ddof`.
MLX_C_API int mlx_std(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, int ddof,
                      mlx_stream s) MLX_C_NOEXCEPT;

/// The index of the smallest element along the axis, or in the flattened array; uint32.
MLX_C_API int mlx_argmin(mlx_array* out, mlx_array a, mlx_optional_int axis, bool keepdims,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The index of the largest element along the axis, or in the flattened array; uint32.
MLX_C_API int mlx_argmax(mlx_array* out, mlx_array a, mlx_optional_int axis, bool keepdims,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// `exp(a) / sum(exp(a))` over the axes; `precise` accumulates 16-bit floats in float32.
MLX_C_API int mlx_softmax(mlx_array* out, mlx_array a, mlx_axes axes, bool precise,
                          mlx_stream s) MLX_C_NOEXCEPT;

/// Whether shape and all elements are equal: a bool scalar.
MLX_C_API int mlx_array_equal(mlx_array* out, mlx_array a, mlx_array b, bool equal_nan,
                              mlx_stream s) MLX_C_NOEXCEPT;

/// Whether `isclose` holds for all elements: a bool scalar.
MLX_C_API int mlx_allclose(mlx_array* out, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan,
                           mlx_stream s) MLX_C_NOEXCEPT;

// Scans, along an axis or over the flattened array; `inclusive` counts an element in its own result ---

/// The cumulative sum, accumulated and returned as `dtype` when given.
MLX_C_API int mlx_cumsum(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                         mlx_optional_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// The cumulative product, accumulated and returned as `dtype` when given.
MLX_C_API int mlx_cumprod(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                          mlx_optional_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// The cumulative maximum.
MLX_C_API int mlx_cummax(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The cumulative minimum.
MLX_C_API int mlx_cummin(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The cumulative `logsumexp`.
MLX_C_API int mlx_logcumsumexp(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse,
                               bool inclusive, mlx_stream s) MLX_C_NOEXCEPT;

/// The `n`-th difference along an axis, `n` elements shorter.
MLX_C_API int mlx_diff(mlx_array* out, mlx_array a, int n, int axis, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
