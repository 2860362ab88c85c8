// The properties of a device as an owned handle.
#pragma once

#include <map>
#include <unordered_map>
#include <variant>

#include "convert.h"
#include "mlx_capi/device.h"

namespace mlx_capi {

using InfoValue = std::variant<std::string, size_t>;
using Info = std::vector<std::pair<std::string, InfoValue>>;

/// A copy, because MLX may overwrite its map at the next call.
inline void put(mlx_info* out, const std::unordered_map<std::string, InfoValue>& properties) {
  std::map<std::string, InfoValue> sorted(properties.begin(), properties.end());
  out->p = new Info(sorted.begin(), sorted.end());
}

}  // namespace mlx_capi
