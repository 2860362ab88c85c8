// What the kernels in CUDA share: halves, reductions, and how launches that follow each other overlap.
//
// Stands alone, without NVIDIA's headers, so that it compiles in a moment.

struct f16 {
  unsigned short bits;
};
struct bf16 {
  unsigned short bits;
};

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(bf16 x) { return __uint_as_float(unsigned(x.bits) << 16); }

template <typename T> __device__ __forceinline__ T rounded(float x);
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }

#ifdef __CUDA_ARCH__
// What a test that runs these kernels on a CPU has in words of its own.

__device__ __forceinline__ float to_float(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}
template <> __device__ __forceinline__ bf16 rounded<bf16>(float x) {
  bf16 y;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
}
template <> __device__ __forceinline__ f16 rounded<f16>(float x) {
  f16 y;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(y.bits) : "f"(x));
  return y;
}

__device__ __forceinline__ unsigned char* dynamic_memory() {
  extern __shared__ __align__(16) unsigned char memory[];
  return memory;
}

/// In a graph whose kernels may overlap: lets those that follow start, which then wait for what they need.
__device__ __forceinline__ void let_next_start() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.launch_dependents;");
#endif
}

/// Waits until the kernels before have written their results. Before that, only what none of them writes may be read.
__device__ __forceinline__ void wait_for_previous() {
#if __CUDA_ARCH__ >= 900
  asm volatile("griddepcontrol.wait;" ::: "memory");
#endif
}

/// Has the line of 128 bytes that this lies in brought to the L2 cache.
__device__ __forceinline__ void bring_near(const void* p) { asm volatile("prefetch.global.L2 [%0];" ::"l"(p)); }

/// Has so many bytes copied to shared memory, by copies that end together.
template <int Bytes> __device__ __forceinline__ void copy_async(void* to, const void* from) {
  const unsigned shared = static_cast<unsigned>(__cvta_generic_to_shared(to));
  if constexpr (Bytes == 16) {
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16;" ::"r"(shared), "l"(from) : "memory");
  } else {
    asm volatile("cp.async.ca.shared.global [%0], [%1], %2;" ::"r"(shared), "l"(from), "n"(Bytes) : "memory");
  }
}
__device__ __forceinline__ void end_of_copies() { asm volatile("cp.async.commit_group;" ::: "memory"); }

/// Waits until all copies of the warp have ended but for the last `Ends` times.
template <int Ends> __device__ __forceinline__ void wait_for_copies() {
  asm volatile("cp.async.wait_group %0;" ::"n"(Ends) : "memory");
  __syncwarp();
}
#else
#include "on_cpu.h"
#endif

/// 16 bytes as elements.
template <typename T> struct alignas(16) Chunk {
  static constexpr int size = 16 / sizeof(T);
  T e[size];
};

/// Has so many elements brought to the L2 cache.
template <typename T> __device__ __forceinline__ void bring_near(const T* x, int count) {
  constexpr int line = 128 / sizeof(T);
  for (int i = threadIdx.x * line; i < count; i += blockDim.x * line) bring_near(x + i);
}

__device__ __forceinline__ float sum_of_warp(float x) {
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}

__device__ __forceinline__ float greatest_of_warp(float x) {
  for (int o = 16; o; o >>= 1) x = fmaxf(x, __shfl_xor_sync(~0u, x, o));
  return x;
}
