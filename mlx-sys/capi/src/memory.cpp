#include "mlx_capi/memory.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_get_active_memory(size_t* out) noexcept {
  return guard([&] { *out = mx::get_active_memory(); });
}

int mlx_get_peak_memory(size_t* out) noexcept {
  return guard([&] { *out = mx::get_peak_memory(); });
}

int mlx_reset_peak_memory() noexcept {
  return guard([&] { mx::reset_peak_memory(); });
}

int mlx_get_cache_memory(size_t* out) noexcept {
  return guard([&] { *out = mx::get_cache_memory(); });
}

int mlx_get_array_buffer_size(size_t* out, mlx_arrays arrays) noexcept {
  return guard([&] { *out = mx::get_array_buffer_size(get(arrays)); });
}

int mlx_get_memory_limit(size_t* out) noexcept {
  return guard([&] { *out = mx::get_memory_limit(); });
}

int mlx_set_memory_limit(size_t* out_previous, size_t limit) noexcept {
  return guard([&] { *out_previous = mx::set_memory_limit(limit); });
}

int mlx_set_cache_limit(size_t* out_previous, size_t limit) noexcept {
  return guard([&] { *out_previous = mx::set_cache_limit(limit); });
}

int mlx_clear_cache() noexcept {
  return guard([&] { mx::clear_cache(); });
}

int mlx_set_wired_limit(size_t* out_previous, size_t limit) noexcept {
  return guard([&] { *out_previous = mx::set_wired_limit(limit); });
}
