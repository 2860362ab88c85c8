#include "mlx_capi/einsum.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_einsum(mlx_array* out, mlx_string subscripts, mlx_arrays operands, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::einsum(get(subscripts), get(operands), get(s))); });
}

int mlx_einsum_path(mlx_int_vector* out_positions, mlx_int_vector* out_step_sizes,
                    mlx_owned_string* out_summary, mlx_string subscripts, mlx_arrays operands) noexcept {
  return guard([&] {
    auto [steps, summary] = mx::einsum_path(get(subscripts), get(operands));
    std::vector<int> positions, sizes;
    for (const auto& step : steps) {
      positions.insert(positions.end(), step.begin(), step.end());
      sizes.push_back(static_cast<int>(step.size()));
    }
    put(out_positions, positions);
    put(out_step_sizes, sizes);
    put(out_summary, summary);
  });
}
