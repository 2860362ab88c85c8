#include "mlx_capi/cuda.h"

#include <dlfcn.h>

#include <mutex>
#include <unordered_map>

#include "convert.h"
#include "info.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

/// NVIDIA's compiler, which is in the process where MLX was built for CUDA. Its header is not needed to build.
class Nvrtc {
 public:
  Nvrtc() {
    find(create_, "nvrtcCreateProgram");
    find(compile_, "nvrtcCompileProgram");
    find(destroy_, "nvrtcDestroyProgram");
    find(log_size_, "nvrtcGetProgramLogSize");
    find(log_, "nvrtcGetProgramLog");
    find(cubin_size_, "nvrtcGetCUBINSize");
    find(cubin_, "nvrtcGetCUBIN");
  }

  std::string compile(const std::string& source, const std::string& architecture) const {
    void* program = nullptr;
    check(create_(&program, source.c_str(), "kernel.cu", 0, nullptr, nullptr), nullptr);
    auto destroy = [this](void* p) { destroy_(&p); };
    std::unique_ptr<void, decltype(destroy)> owner(program, destroy);
    const std::string target = "--gpu-architecture=" + architecture;
    const char* options[] = {target.c_str(), "--std=c++17", "-default-device"};
    check(compile_(program, std::size(options), options), program);
    size_t size = 0;
    check(cubin_size_(program, &size), program);
    std::string cubin(size, 0);
    check(cubin_(program, cubin.data()), program);
    return cubin;
  }

 private:
  template <typename Function>
  static void find(Function*& function, const char* name) {
    function = reinterpret_cast<Function*>(dlsym(RTLD_DEFAULT, name));
    if (!function) throw std::runtime_error(std::string("this build of MLX does not bring NVRTC along: no ") + name);
  }

  void check(int code, void* program) const {
    if (code == 0) return;
    std::string text = "NVRTC failed with code " + std::to_string(code);
    size_t size = 0;
    if (program && log_size_(program, &size) == 0 && size > 1) {
      std::string log(size, 0);
      if (log_(program, log.data()) == 0) text += ": " + log.substr(0, size - 1);
    }
    throw std::runtime_error(text);
  }

  int (*create_)(void**, const char*, const char*, int, const char* const*, const char* const*);
  int (*compile_)(void*, int, const char* const*);
  int (*destroy_)(void**);
  int (*log_size_)(void*, size_t*);
  int (*log_)(void*, char*);
  int (*cubin_size_)(void*, size_t*);
  int (*cubin_)(void*, char*);
};

/// What has been compiled is kept: kernels for other sizes often have the same source.
const std::string& compiled(const std::string& source, const std::string& architecture) {
  static auto* mutex = new std::mutex();
  static auto* known = new std::unordered_map<std::string, std::string>();
  std::lock_guard lock(*mutex);
  std::string& cubin = (*known)[architecture + "\n" + source];
  if (cubin.empty()) cubin = Nvrtc().compile(source, architecture);
  return cubin;
}

}  // namespace
}  // namespace mlx_capi

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

int mlx_cuda_compile(mlx_owned_string* out, mlx_string source, mlx_string architecture) noexcept {
  return guard([&] { put(out, compiled(get(source), get(architecture))); });
}
