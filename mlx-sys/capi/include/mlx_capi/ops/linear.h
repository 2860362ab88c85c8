// Products of matrices and vectors. Leading axes are batches and broadcast.
#ifndef MLX_CAPI_OPS_LINEAR_H
#define MLX_CAPI_OPS_LINEAR_H

#include "../types.h"

MLX_C_BEGIN

/// The matrix product of the last two axes; a vector counts as a row on the left, a column on the right.
MLX_C_API int mlx_matmul(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `alpha * (a @ b) + beta * c`.
MLX_C_API int mlx_addmm(mlx_array* out, mlx_array c, mlx_array a, mlx_array b, float alpha, float beta,
                        mlx_stream s) MLX_C_NOEXCEPT;

/// The dot products of the last axes of `a` and `b`.
MLX_C_API int mlx_inner(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// All products of an element of `a` with one of `b`, both flattened.
MLX_C_API int mlx_outer(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The dot product along an axis, `a` conjugated when complex.
MLX_C_API int mlx_vecdot(mlx_array* out, mlx_array a, mlx_array b, int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// The sum of products over `axes_a` of `a` paired with `axes_b` of `b`.
MLX_C_API int mlx_tensordot(mlx_array* out, mlx_array a, mlx_array b, mlx_ints axes_a, mlx_ints axes_b,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The Kronecker product.
MLX_C_API int mlx_kron(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The last axis times the Hadamard matrix of its size (m times a power of two, m 1, 12, 20 or 28), times
/// `scale` (by default 1 over the square root of the size).
MLX_C_API int mlx_hadamard_transform(mlx_array* out, mlx_array a, mlx_optional_float scale,
                                     mlx_stream s) MLX_C_NOEXCEPT;

/// `a @ b` where masks switch blocks of `block_size` (32 or 64) of the result and of the operands on and
/// off.
MLX_C_API int mlx_block_masked_mm(mlx_array* out, mlx_array a, mlx_array b, int block_size,
                                  mlx_array opt_mask_out, mlx_array opt_mask_lhs, mlx_array opt_mask_rhs,
                                  mlx_stream s) MLX_C_NOEXCEPT;

/// The products of the matrices of `a` and `b` that flat indices into their batches pick; `sorted_indices`
/// promises that they ascend.
MLX_C_API int mlx_gather_mm(mlx_array* out, mlx_array a, mlx_array b, mlx_array opt_lhs_indices,
                            mlx_array opt_rhs_indices, bool sorted_indices, mlx_stream s) MLX_C_NOEXCEPT;

/// One product of two matrices per segment of their inner axis; `segments` holds pairs of start and end.
MLX_C_API int mlx_segmented_mm(mlx_array* out, mlx_array a, mlx_array b, mlx_array segments,
                               mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
