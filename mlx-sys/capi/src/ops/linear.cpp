#include "mlx_capi/ops/linear.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_matmul(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::matmul(get(a), get(b), get(s))); });
}

int mlx_addmm(mlx_array* out, mlx_array c, mlx_array a, mlx_array b, float alpha, float beta,
              mlx_stream s) noexcept {
  return guard([&] { put(out, mx::addmm(get(c), get(a), get(b), alpha, beta, get(s))); });
}

int mlx_inner(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::inner(get(a), get(b), get(s))); });
}

int mlx_outer(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::outer(get(a), get(b), get(s))); });
}

int mlx_vecdot(mlx_array* out, mlx_array a, mlx_array b, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::vecdot(get(a), get(b), axis, get(s))); });
}

int mlx_tensordot(mlx_array* out, mlx_array a, mlx_array b, mlx_ints axes_a, mlx_ints axes_b,
                  mlx_stream s) noexcept {
  return guard([&] { put(out, mx::tensordot(get(a), get(b), as_ints(axes_a), as_ints(axes_b), get(s))); });
}

int mlx_kron(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::kron(get(a), get(b), get(s))); });
}

int mlx_hadamard_transform(mlx_array* out, mlx_array a, mlx_optional_float scale, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::hadamard_transform(get(a), get(scale), get(s))); });
}

int mlx_block_masked_mm(mlx_array* out, mlx_array a, mlx_array b, int block_size, mlx_array opt_mask_out,
                        mlx_array opt_mask_lhs, mlx_array opt_mask_rhs, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::block_masked_mm(get(a), get(b), block_size, opt(opt_mask_out), opt(opt_mask_lhs),
                                 opt(opt_mask_rhs), get(s)));
  });
}

int mlx_gather_mm(mlx_array* out, mlx_array a, mlx_array b, mlx_array opt_lhs_indices,
                  mlx_array opt_rhs_indices, bool sorted_indices, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::gather_mm(get(a), get(b), opt(opt_lhs_indices), opt(opt_rhs_indices), sorted_indices, get(s)));
  });
}

int mlx_segmented_mm(mlx_array* out, mlx_array a, mlx_array b, mlx_array segments, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::segmented_mm(get(a), get(b), get(segments), get(s))); });
}
