// Quantized matrices: groups of `group_size` elements of the last axis share a scale (and bias).
//
// `mode` is "affine" (scales and biases of the matrix's type; bits 2, 3, 4, 5, 6, 8), "mxfp4", "mxfp8" or
// "nvfp4" (scales packed in uint8, no biases). `group_size` and `bits` default to what the mode needs.
#ifndef MLX_CAPI_OPS_QUANTIZED_H
#define MLX_CAPI_OPS_QUANTIZED_H

#include "../types.h"

MLX_C_BEGIN

/// The packed matrix (uint32), the scales and, in "affine" mode, the biases.
MLX_C_API int mlx_quantize(mlx_array_vector* out, mlx_array w, mlx_optional_int group_size,
                           mlx_optional_int bits, mlx_string mode, mlx_array opt_global_scale,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The matrix again, as `dtype`, or by default as the scales' type.
MLX_C_API int mlx_dequantize(mlx_array* out, mlx_array w, mlx_array scales, mlx_array opt_biases,
                             mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                             mlx_array opt_global_scale, mlx_optional_dtype dtype,
                             mlx_stream s) MLX_C_NOEXCEPT;

/// `x @ w.T`, or `x @ w` without `transpose`, of a quantized `w`.
MLX_C_API int mlx_quantized_matmul(mlx_array* out, mlx_array x, mlx_array w, mlx_array scales,
                                   mlx_array opt_biases, bool transpose, mlx_optional_int group_size,
                                   mlx_optional_int bits, mlx_string mode, mlx_stream s) MLX_C_NOEXCEPT;

/// `mlx_gather_mm` of a quantized `w`.
MLX_C_API int mlx_gather_qmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array scales, mlx_array opt_biases,
                             mlx_array opt_lhs_indices, mlx_array opt_rhs_indices, bool transpose,
                             mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                             mlx_array opt_global_scale, bool sorted_indices, mlx_stream s) MLX_C_NOEXCEPT;

/// `x @ w.T` with `x` quantized on the fly; so is `w` unless its scales are given.
MLX_C_API int mlx_qqmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array opt_w_scales,
                       mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                       mlx_array opt_global_scale_x, mlx_array opt_global_scale_w,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// `mlx_gather_mm` with both operands quantized as in `mlx_qqmm`.
MLX_C_API int mlx_gather_qqmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array opt_scales_w,
                              mlx_array opt_lhs_indices, mlx_array opt_rhs_indices,
                              mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                              mlx_array opt_global_scale_x, mlx_array opt_global_scale_w, bool sorted_indices,
                              mlx_stream s) MLX_C_NOEXCEPT;

/// Floats to 8-bit floats (E4M3) in uint8.
MLX_C_API int mlx_to_fp8(mlx_array* out, mlx_array x, mlx_stream s) MLX_C_NOEXCEPT;

/// 8-bit floats (E4M3) in uint8 to a floating-point type.
MLX_C_API int mlx_from_fp8(mlx_array* out, mlx_array x, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
