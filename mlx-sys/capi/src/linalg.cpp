#include "mlx_capi/linalg.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_linalg_norm(mlx_array* out, mlx_array a, mlx_optional_double ord, mlx_axes axis, bool keepdims,
                    mlx_stream s) noexcept {
  return guard([&] {
    put(out, ord.has_value ? mx::linalg::norm(get(a), ord.value, get(axis), keepdims, get(s))
                           : mx::linalg::norm(get(a), get(axis), keepdims, get(s)));
  });
}

int mlx_linalg_norm_named(mlx_array* out, mlx_array a, mlx_string ord, mlx_axes axis, bool keepdims,
                          mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::norm(get(a), get(ord), get(axis), keepdims, get(s))); });
}

int mlx_linalg_cross(mlx_array* out, mlx_array a, mlx_array b, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::cross(get(a), get(b), axis, get(s))); });
}

int mlx_linalg_inv(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::inv(get(a), get(s))); });
}

int mlx_linalg_tri_inv(mlx_array* out, mlx_array a, bool upper, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::tri_inv(get(a), upper, get(s))); });
}

int mlx_linalg_pinv(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::pinv(get(a), get(s))); });
}

int mlx_linalg_cholesky_inv(mlx_array* out, mlx_array a, bool upper, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::cholesky_inv(get(a), upper, get(s))); });
}

int mlx_linalg_solve(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::solve(get(a), get(b), get(s))); });
}

int mlx_linalg_solve_triangular(mlx_array* out, mlx_array a, mlx_array b, bool upper, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::solve_triangular(get(a), get(b), upper, get(s))); });
}

int mlx_linalg_det(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::det(get(a), get(s))); });
}

int mlx_linalg_slogdet(mlx_array* out_sign, mlx_array* out_logabsdet, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out_sign, out_logabsdet, mx::linalg::slogdet(get(a), get(s))); });
}

int mlx_linalg_qr(mlx_array* out_q, mlx_array* out_r, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out_q, out_r, mx::linalg::qr(get(a), get(s))); });
}

int mlx_linalg_svd(mlx_array_vector* out, mlx_array a, bool compute_uv, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::svd(get(a), compute_uv, get(s))); });
}

int mlx_linalg_cholesky(mlx_array* out, mlx_array a, bool upper, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::cholesky(get(a), upper, get(s))); });
}

int mlx_linalg_lu(mlx_array_vector* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::lu(get(a), get(s))); });
}

int mlx_linalg_lu_factor(mlx_array* out_lu, mlx_array* out_pivots, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out_lu, out_pivots, mx::linalg::lu_factor(get(a), get(s))); });
}

int mlx_linalg_eig(mlx_array* out_values, mlx_array* out_vectors, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out_values, out_vectors, mx::linalg::eig(get(a), get(s))); });
}

int mlx_linalg_eigvals(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::eigvals(get(a), get(s))); });
}

int mlx_linalg_eigh(mlx_array* out_values, mlx_array* out_vectors, mlx_array a, mlx_string uplo,
                    mlx_stream s) noexcept {
  return guard([&] { put(out_values, out_vectors, mx::linalg::eigh(get(a), get(uplo), get(s))); });
}

int mlx_linalg_eigvalsh(mlx_array* out, mlx_array a, mlx_string uplo, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linalg::eigvalsh(get(a), get(uplo), get(s))); });
}
