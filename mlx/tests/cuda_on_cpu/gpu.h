// What kernels in CUDA take for granted, on a CPU: a block is as many threads, and blocks come one after the other, so that
// what they share may be static.
#pragma once

#include <algorithm>
#include <barrier>
#include <cmath>
#include <cstring>
#include <memory>
#include <thread>
#include <vector>

#define __device__
#define __forceinline__ inline
#define __shared__ static

using std::max;
using std::min;

struct Number {
  unsigned x;
};
inline thread_local Number threadIdx, blockIdx;
inline Number blockDim, gridDim;

struct float2 {
  float x, y;
};
struct float4 {
  float x, y, z, w;
};
struct uint2 {
  unsigned x, y;
};
struct uint4 {
  unsigned x, y, z, w;
};

constexpr int most_warps = 8;
inline std::unique_ptr<std::barrier<>> of_block, of_warps[most_warps];

inline void __syncthreads() { of_block->arrive_and_wait(); }
inline void __syncwarp() { of_warps[threadIdx.x / 32]->arrive_and_wait(); }

/// What the thread of the same warp with number `from` has.
template <typename T> T exchange(T x, unsigned from) {
  static T exchanged[32 * most_warps];
  exchanged[threadIdx.x] = x;
  __syncwarp();
  const T other = exchanged[from];
  __syncwarp();
  return other;
}
template <typename T> T __shfl_xor_sync(unsigned, T x, int lanes) { return exchange(x, threadIdx.x ^ lanes); }
template <typename T> T __shfl_sync(unsigned, T x, int lane) { return exchange(x, threadIdx.x / 32 * 32 + lane); }

inline float __expf(float x) { return std::exp(x); }
inline float rsqrtf(float x) { return 1 / std::sqrt(x); }
inline float __uint_as_float(unsigned bits) {
  float x;
  std::memcpy(&x, &bits, sizeof x);
  return x;
}
inline unsigned __float_as_uint(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits;
}
inline float __int_as_float(int bits) { return __uint_as_float(static_cast<unsigned>(bits)); }
template <typename T> T __ldcs(const T* from) { return *from; }

/// Runs `kernel` on so many blocks of threads.
template <typename Kernel> void launch(int blocks, int threads, Kernel kernel) {
  gridDim.x = blocks;
  blockDim.x = threads;
  of_block = std::make_unique<std::barrier<>>(threads);
  for (int w = 0; w < threads / 32; ++w) of_warps[w] = std::make_unique<std::barrier<>>(32);
  for (int block = 0; block < blocks; ++block) {
    std::vector<std::thread> all;
    for (int thread = 0; thread < threads; ++thread) {
      all.emplace_back([=] {
        threadIdx.x = thread;
        blockIdx.x = block;
        kernel();
      });
    }
    for (std::thread& thread : all) thread.join();
  }
}
