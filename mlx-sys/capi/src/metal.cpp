#include "mlx_capi/metal.h"

#include "convert.h"
#include "info.h"

using namespace mlx_capi;

int mlx_metal_is_available(bool* out) noexcept {
  return guard([&] { *out = mx::metal::is_available(); });
}

int mlx_metal_start_capture(mlx_string path) noexcept {
  return guard([&] { mx::metal::start_capture(get(path)); });
}

int mlx_metal_stop_capture() noexcept {
  return guard([&] { mx::metal::stop_capture(); });
}

// Metal builds declare `metal::device_info` but do not contain it; there `gpu::device_info` is the same
// function.
int mlx_metal_device_info(mlx_info* out) noexcept {
  return guard([&] {
    if (!mx::metal::is_available()) throw std::runtime_error("this build of MLX has no Metal backend");
    put(out, mx::gpu::device_info());
  });
}

int mlx_metal_set_metallib_path(mlx_string path) noexcept {
  return guard([&] { mx::metal::set_metallib_path(get(path)); });
}

int mlx_metal_get_metallib_path(mlx_owned_string* out) noexcept {
  return guard([&] { put(out, mx::metal::get_metallib_path()); });
}
