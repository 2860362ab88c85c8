#include "mlx_capi/fast.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_fast_rms_norm(mlx_array* out, mlx_array x, mlx_array opt_weight, float eps, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::fast::rms_norm(get(x), opt(opt_weight), eps, get(s))); });
}

int mlx_fast_layer_norm(mlx_array* out, mlx_array x, mlx_array opt_weight, mlx_array opt_bias, float eps,
                        mlx_stream s) noexcept {
  return guard([&] { put(out, mx::fast::layer_norm(get(x), opt(opt_weight), opt(opt_bias), eps, get(s))); });
}

int mlx_fast_cross_entropy(mlx_array* out, mlx_array logits, mlx_array targets, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::fast::cross_entropy(get(logits), get(targets), get(s))); });
}

int mlx_fast_rope(mlx_array* out, mlx_array x, int dims, bool traditional, mlx_optional_float base,
                  float scale, int offset, mlx_array opt_freqs, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::fast::rope(get(x), dims, traditional, get(base), scale, offset, opt(opt_freqs), get(s)));
  });
}

int mlx_fast_rope_dynamic(mlx_array* out, mlx_array x, int dims, bool traditional, mlx_optional_float base,
                          float scale, mlx_array offset, mlx_array opt_freqs, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::fast::rope(get(x), dims, traditional, get(base), scale, get(offset), opt(opt_freqs), get(s)));
  });
}

int mlx_fast_scaled_dot_product_attention(mlx_array* out, mlx_array queries, mlx_array keys, mlx_array values,
                                          float scale, mlx_string mask_mode, mlx_array opt_mask_arr,
                                          mlx_array opt_sinks, bool force_fused, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::fast::scaled_dot_product_attention(get(queries), get(keys), get(values), scale, get(mask_mode),
                                               opt(opt_mask_arr), opt(opt_sinks), force_fused, get(s)));
  });
}

int mlx_fast_gated_delta_update(mlx_array_vector* out, mlx_array queries, mlx_array keys, mlx_array values,
                                mlx_array gates, mlx_array beta, mlx_array opt_initial_state,
                                mlx_array opt_mask, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::fast::gated_delta_update(get(queries), get(keys), get(values), get(gates), get(beta),
                                          opt(opt_initial_state), opt(opt_mask), get(s)));
  });
}
