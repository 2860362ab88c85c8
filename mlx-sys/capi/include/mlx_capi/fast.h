// Fused kernels for transformers. Kernels written at run time stand in `kernels.h`.
#ifndef MLX_CAPI_FAST_H
#define MLX_CAPI_FAST_H

#include "types.h"

MLX_C_BEGIN

/// `x / sqrt(mean(x * x) + eps) * weight` over the last axis.
MLX_C_API int mlx_fast_rms_norm(mlx_array* out, mlx_array x, mlx_array opt_weight, float eps,
                                mlx_stream s) MLX_C_NOEXCEPT;

/// `(x - mean) / sqrt(variance + eps) * weight + bias` over the last axis.
MLX_C_API int mlx_fast_layer_norm(mlx_array* out, mlx_array x, mlx_array opt_weight, mlx_array opt_bias,
                                  float eps, mlx_stream s) MLX_C_NOEXCEPT;

/// The cross entropy of logits over the last axis and class indices.
MLX_C_API int mlx_fast_cross_entropy(mlx_array* out, mlx_array logits, mlx_array targets,
                                     mlx_stream s) MLX_C_NOEXCEPT;

/// Rotary position embedding of the first `dims` of the last axis at positions `offset, offset + 1, ...` of
/// the axis before it, times `scale`. `traditional` rotates neighbours, else the two halves. Exactly one of
/// `base` and `opt_freqs` (`dims / 2` wavelengths) is given.
MLX_C_API int mlx_fast_rope(mlx_array* out, mlx_array x, int dims, bool traditional, mlx_optional_float base,
                            float scale, int offset, mlx_array opt_freqs, mlx_stream s) MLX_C_NOEXCEPT;

/// `mlx_fast_rope` with a computed offset: a scalar, or one per batch.
MLX_C_API int mlx_fast_rope_dynamic(mlx_array* out, mlx_array x, int dims, bool traditional,
                                    mlx_optional_float base, float scale, mlx_array offset,
                                    mlx_array opt_freqs, mlx_stream s) MLX_C_NOEXCEPT;

/// `softmax(scale * queries @ keys.T + mask) @ values` of (batch, heads, length, head size) arrays; there
/// may be fewer key than query heads. `mask_mode` is "" (none, or `opt_mask_arr`), "array" or "causal"; a
/// mask is bool (true: attend) or added. `opt_sinks` holds one extra logit per query head. `force_fused`
/// fails where no fused kernel applies.
MLX_C_API int mlx_fast_scaled_dot_product_attention(mlx_array* out, mlx_array queries, mlx_array keys,
                                                    mlx_array values, float scale, mlx_string mask_mode,
                                                    mlx_array opt_mask_arr, mlx_array opt_sinks,
                                                    bool force_fused, mlx_stream s) MLX_C_NOEXCEPT;

/// The gated delta rule of linear attention: the outputs and the final state.
MLX_C_API int mlx_fast_gated_delta_update(mlx_array_vector* out, mlx_array queries, mlx_array keys,
                                          mlx_array values, mlx_array gates, mlx_array beta,
                                          mlx_array opt_initial_state, mlx_array opt_mask,
                                          mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
