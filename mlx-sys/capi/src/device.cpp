#include "mlx_capi/device.h"

#include "convert.h"
#include "info.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

Info& as_info(mlx_info info) { return *static_cast<Info*>(info.p); }

mlx_info_value as_value(const InfoValue& value) {
  if (auto* number = std::get_if<size_t>(&value)) return {{nullptr, 0}, *number, true};
  const auto& text = std::get<std::string>(value);
  return {{text.data(), text.size()}, 0, false};
}

}  // namespace
}  // namespace mlx_capi

int mlx_default_device(mlx_device* out) noexcept {
  return guard([&] { put(out, mx::default_device()); });
}

int mlx_set_default_device(mlx_device d) noexcept {
  return guard([&] { mx::set_default_device(get(d)); });
}

int mlx_is_available(bool* out, mlx_device d) noexcept {
  return guard([&] { *out = mx::is_available(get(d)); });
}

int mlx_device_count(int* out, mlx_device_type type) noexcept {
  return guard([&] { *out = mx::device_count(as_device_type(type)); });
}

int mlx_device_info(mlx_info* out, mlx_device d) noexcept {
  return guard([&] { put(out, mx::device_info(get(d))); });
}

size_t mlx_info_size(mlx_info info) noexcept { return as_info(info).size(); }

int mlx_info_get(mlx_string* out_name, mlx_info_value* out_value, mlx_info info, size_t i) noexcept {
  return guard([&] {
    const auto& [name, value] = as_info(info).at(i);
    put(out_name, name);
    *out_value = as_value(value);
  });
}

void mlx_info_free(mlx_info info) noexcept { delete static_cast<Info*>(info.p); }
