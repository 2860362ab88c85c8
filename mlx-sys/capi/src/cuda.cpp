#include "mlx_capi/cuda.h"

#include "convert.h"
#include "info.h"

using namespace mlx_capi;

int mlx_cuda_is_available(bool* out) noexcept {
  return guard([&] { *out = mx::cu::is_available(); });
}

// Only CUDA builds contain `cu::device_info`; there `gpu::device_info` is the same function.
int mlx_cuda_device_info(mlx_info* out, int device_index) noexcept {
  return guard([&] {
    if (!mx::cu::is_available()) throw std::runtime_error("this build of MLX has no CUDA backend");
    put(out, mx::gpu::device_info(device_index));
  });
}
