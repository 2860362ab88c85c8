// Linear algebra. Matrices are the last two axes. Factorizations may need a CPU stream; MLX says so when
// they do.
#ifndef MLX_CAPI_LINALG_H
#define MLX_CAPI_LINALG_H

#include "types.h"

MLX_C_BEGIN

// Norms -------------------------------------------------------------------------------------------

/// The norm of vectors (one axis) or matrices (two axes); all elements as one vector when neither `ord` nor
/// `axis` is given. Without `ord`: the 2-norm, or the Frobenius norm.
MLX_C_API int mlx_linalg_norm(mlx_array* out, mlx_array a, mlx_optional_double ord, mlx_axes axis,
                              bool keepdims, mlx_stream s) MLX_C_NOEXCEPT;

/// The matrix norm of that name: "fro" (Frobenius) or "nuc" (nuclear).
MLX_C_API int mlx_linalg_norm_named(mlx_array* out, mlx_array a, mlx_string ord, mlx_axes axis, bool keepdims,
                                    mlx_stream s) MLX_C_NOEXCEPT;

/// The cross product of vectors of size 2 or 3 along an axis.
MLX_C_API int mlx_linalg_cross(mlx_array* out, mlx_array a, mlx_array b, int axis,
                               mlx_stream s) MLX_C_NOEXCEPT;

// Solving -----------------------------------------------------------------------------------------

/// The inverse.
MLX_C_API int mlx_linalg_inv(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of a lower (or upper) triangular matrix.
MLX_C_API int mlx_linalg_tri_inv(mlx_array* out, mlx_array a, bool upper, mlx_stream s) MLX_C_NOEXCEPT;

/// The Moore-Penrose pseudo-inverse.
MLX_C_API int mlx_linalg_pinv(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of `L @ L.T` (or `U.T @ U`) from its Cholesky factor.
MLX_C_API int mlx_linalg_cholesky_inv(mlx_array* out, mlx_array a, bool upper, mlx_stream s) MLX_C_NOEXCEPT;

/// `x` with `a @ x = b`.
MLX_C_API int mlx_linalg_solve(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `x` with `a @ x = b` for a lower (or upper) triangular `a`.
MLX_C_API int mlx_linalg_solve_triangular(mlx_array* out, mlx_array a, mlx_array b, bool upper,
                                          mlx_stream s) MLX_C_NOEXCEPT;

/// The determinant.
MLX_C_API int mlx_linalg_det(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The sign of the determinant and the logarithm of its absolute value.
MLX_C_API int mlx_linalg_slogdet(mlx_array* out_sign, mlx_array* out_logabsdet, mlx_array a,
                                 mlx_stream s) MLX_C_NOEXCEPT;

// Factorizations ----------------------------------------------------------------------------------

/// An orthonormal and an upper triangular matrix whose product is `a`.
MLX_C_API int mlx_linalg_qr(mlx_array* out_q, mlx_array* out_r, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The singular value decomposition `u, s, vt`, or `s` alone.
MLX_C_API int mlx_linalg_svd(mlx_array_vector* out, mlx_array a, bool compute_uv,
                             mlx_stream s) MLX_C_NOEXCEPT;

/// The lower (or upper) triangular Cholesky factor of a positive definite matrix.
MLX_C_API int mlx_linalg_cholesky(mlx_array* out, mlx_array a, bool upper, mlx_stream s) MLX_C_NOEXCEPT;

/// The row order `p` and the factors `l` and `u` with `l[p] @ u = a`.
MLX_C_API int mlx_linalg_lu(mlx_array_vector* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Both factors in one matrix, and the pivots.
MLX_C_API int mlx_linalg_lu_factor(mlx_array* out_lu, mlx_array* out_pivots, mlx_array a,
                                   mlx_stream s) MLX_C_NOEXCEPT;

/// Eigenvalues and eigenvectors; complex64.
MLX_C_API int mlx_linalg_eig(mlx_array* out_values, mlx_array* out_vectors, mlx_array a,
                             mlx_stream s) MLX_C_NOEXCEPT;

/// Eigenvalues; complex64.
MLX_C_API int mlx_linalg_eigvals(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Eigenvalues in ascending order and eigenvectors of a symmetric matrix, of which the triangle "L" or "U"
/// is read.
MLX_C_API int mlx_linalg_eigh(mlx_array* out_values, mlx_array* out_vectors, mlx_array a, mlx_string uplo,
                              mlx_stream s) MLX_C_NOEXCEPT;

/// Eigenvalues in ascending order of a symmetric matrix, of which the triangle "L" or "U" is read.
MLX_C_API int mlx_linalg_eigvalsh(mlx_array* out, mlx_array a, mlx_string uplo, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
