// What tells operations of one kind apart.
#pragma once

#include <string_view>
#include <tuple>

#include "convert.h"
#include "mlx/fast_primitives.h"
#include "mlx/primitives.h"

namespace mlx_capi {

/// What tells operations of one kind apart, for the kinds that have it: numbers in the order of MLX's `state()`.
using Parameters = mx::SmallVector<double, 6>;

inline Parameters parameters_of(const mx::Primitive& primitive) {
  Parameters parameters;
  auto take = [&](auto... values) { (parameters.push_back(static_cast<double>(values)), ...); };
  const std::string_view name = primitive.name();
  // Classes of MLX are known by their names, as their type information is not exported.
  if (name == "QuantizedMatmul") {
    std::apply(take, static_cast<const mx::QuantizedMatmul&>(primitive).state());
  } else if (name == "GatherQMM") {
    std::apply(take, static_cast<const mx::GatherQMM&>(primitive).state());
  } else if (name == "AddMM") {
    std::apply(take, static_cast<const mx::AddMM&>(primitive).state());
  } else if (name == "ArgReduce") {
    std::apply(take, static_cast<const mx::ArgReduce&>(primitive).state());
  } else if (name == "Softmax") {
    take(static_cast<const mx::Softmax&>(primitive).state());
  } else if (name == "RMSNorm") {
    take(std::get<1>(static_cast<const mx::fast::RMSNorm&>(primitive).state()));
  } else if (name == "RoPE") {
    const auto [_, dims, traditional, base, scale, forward] = static_cast<const mx::fast::RoPE&>(primitive).state();
    take(dims, traditional, base, scale, forward);
  } else if (name == "ScaledDotProductAttention") {
    take(std::get<1>(static_cast<const mx::fast::ScaledDotProductAttention&>(primitive).state()));
  } else if (name == "Transpose") {
    for (int axis : static_cast<const mx::Transpose&>(primitive).state()) take(axis);
  } else if (name == "Slice") {
    const auto [start, end, strides] = static_cast<const mx::Slice&>(primitive).state();
    for (size_t i = 0; i < start.size(); ++i) take(start[i], end[i], strides[i]);
  }
  return parameters;
}

}  // namespace mlx_capi
