// What is known about types and shapes without an array, and how arrays are printed.
#ifndef MLX_CAPI_UTILS_H
#define MLX_CAPI_UTILS_H

#include "types.h"

MLX_C_BEGIN

/// A floating-point (or complex) type.
typedef struct mlx_float_info {
  mlx_dtype dtype;
  int bits;
  /// The lowest and the highest finite number.
  double min;
  double max;
  /// The distance from 1 to the next number.
  double eps;
  /// The smallest positive number of full precision.
  double smallest_normal;
} mlx_float_info;

/// An integer type.
typedef struct mlx_int_info {
  mlx_dtype dtype;
  int64_t min;
  uint64_t max;
} mlx_int_info;

/// The limits of a floating-point type.
MLX_C_API int mlx_finfo(mlx_float_info* out, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// The limits of an integer type.
MLX_C_API int mlx_iinfo(mlx_int_info* out, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// The type that operations on all the arrays together produce.
MLX_C_API int mlx_result_type(mlx_dtype* out, mlx_arrays arrays) MLX_C_NOEXCEPT;

/// The shape that two shapes broadcast to.
MLX_C_API int mlx_broadcast_shapes(mlx_int_vector* out, mlx_ints a, mlx_ints b) MLX_C_NOEXCEPT;

/// The axis counted from the first, in `0..ndim`.
MLX_C_API int mlx_normalize_axis_index(int* out, int axis, int ndim) MLX_C_NOEXCEPT;

/// The number of decimals `mlx_array_to_string` prints, in the whole process; -1 for six significant digits.
MLX_C_API int mlx_set_printoptions(int precision) MLX_C_NOEXCEPT;

MLX_C_END

#endif
