#include "mlx_capi/ops/quantized.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_quantize(mlx_array_vector* out, mlx_array w, mlx_optional_int group_size, mlx_optional_int bits,
                 mlx_string mode, mlx_array opt_global_scale, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::quantize(get(w), get(group_size), get(bits), get(mode), opt(opt_global_scale), get(s)));
  });
}

int mlx_dequantize(mlx_array* out, mlx_array w, mlx_array scales, mlx_array opt_biases,
                   mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                   mlx_array opt_global_scale, mlx_optional_dtype dtype, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::dequantize(get(w), get(scales), opt(opt_biases), get(group_size), get(bits), get(mode),
                            opt(opt_global_scale), get(dtype), get(s)));
  });
}

int mlx_quantized_matmul(mlx_array* out, mlx_array x, mlx_array w, mlx_array scales, mlx_array opt_biases,
                         bool transpose, mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                         mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::quantized_matmul(get(x), get(w), get(scales), opt(opt_biases), transpose, get(group_size),
                                  get(bits), get(mode), get(s)));
  });
}

int mlx_gather_qmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array scales, mlx_array opt_biases,
                   mlx_array opt_lhs_indices, mlx_array opt_rhs_indices, bool transpose,
                   mlx_optional_int group_size, mlx_optional_int bits, mlx_string mode,
                   mlx_array opt_global_scale, bool sorted_indices, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::gather_qmm(get(x), get(w), get(scales), opt(opt_biases), opt(opt_lhs_indices),
                            opt(opt_rhs_indices), transpose, get(group_size), get(bits), get(mode),
                            opt(opt_global_scale), sorted_indices, get(s)));
  });
}

int mlx_qqmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array opt_w_scales, mlx_optional_int group_size,
             mlx_optional_int bits, mlx_string mode, mlx_array opt_global_scale_x,
             mlx_array opt_global_scale_w, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::qqmm(get(x), get(w), opt(opt_w_scales), get(group_size), get(bits), get(mode),
                      opt(opt_global_scale_x), opt(opt_global_scale_w), get(s)));
  });
}

int mlx_gather_qqmm(mlx_array* out, mlx_array x, mlx_array w, mlx_array opt_scales_w,
                    mlx_array opt_lhs_indices, mlx_array opt_rhs_indices, mlx_optional_int group_size,
                    mlx_optional_int bits, mlx_string mode, mlx_array opt_global_scale_x,
                    mlx_array opt_global_scale_w, bool sorted_indices, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::gather_qqmm(get(x), get(w), opt(opt_scales_w), opt(opt_lhs_indices), opt(opt_rhs_indices),
                             get(group_size), get(bits), get(mode), opt(opt_global_scale_x),
                             opt(opt_global_scale_w), sorted_indices, get(s)));
  });
}

int mlx_to_fp8(mlx_array* out, mlx_array x, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::to_fp8(get(x), get(s))); });
}

int mlx_from_fp8(mlx_array* out, mlx_array x, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::from_fp8(get(x), as_dtype(dtype), get(s))); });
}
