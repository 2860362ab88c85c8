#include "mlx_capi/gpu.h"

#include "convert.h"
#include "info.h"

using namespace mlx_capi;

int mlx_gpu_is_available(bool* out) noexcept {
  return guard([&] { *out = mx::gpu::is_available(); });
}

int mlx_gpu_device_count(int* out) noexcept {
  return guard([&] { *out = mx::gpu::device_count(); });
}

int mlx_gpu_device_info(mlx_info* out, int device_index) noexcept {
  return guard([&] { put(out, mx::gpu::device_info(device_index)); });
}
