// Order. Without an axis the array is flattened first; NaN sorts last.
#ifndef MLX_CAPI_OPS_SORT_H
#define MLX_CAPI_OPS_SORT_H

#include "../types.h"

MLX_C_BEGIN

/// Sorted in ascending order; stable.
MLX_C_API int mlx_sort(mlx_array* out, mlx_array a, mlx_optional_int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// The indices that sort the array; uint32, stable.
MLX_C_API int mlx_argsort(mlx_array* out, mlx_array a, mlx_optional_int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// Element `kth` where sorting would put it, the smaller ones before it, the others after it.
MLX_C_API int mlx_partition(mlx_array* out, mlx_array a, int kth, mlx_optional_int axis,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The indices that partition the array; uint32.
MLX_C_API int mlx_argpartition(mlx_array* out, mlx_array a, int kth, mlx_optional_int axis,
                               mlx_stream s) MLX_C_NOEXCEPT;

/// The `k` largest elements, in no particular order.
MLX_C_API int mlx_topk(mlx_array* out, mlx_array a, int k, mlx_optional_int axis,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// Where each value would be inserted into a sorted 1-D array; `side` is "left" (before equal ones) or
/// "right".
MLX_C_API int mlx_searchsorted(mlx_array* out, mlx_array sorted_sequence, mlx_array values, mlx_string side,
                               mlx_stream s) MLX_C_NOEXCEPT;

/// The sorted distinct elements of the flattened array, cut or padded (with `opt_fill_value`, else the
/// smallest) to `size`; then, as asked for, the index of each one's first occurrence, the index of each
/// element in the result, and the counts.
MLX_C_API int mlx_unique(mlx_array_vector* out, mlx_array a, int size, bool return_index, bool return_inverse,
                         bool return_counts, mlx_array opt_fill_value, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
