// Products of a few vectors with a quantized matrix, and what stands before and after them in a decoder.
//
// A warp computes R rows. A lane takes 16 bytes of each row at a time (32 weights of 4 bits, or 16 of 8), the next
// lane the next 16. The vectors lie in shared memory, in the order that lets eight lanes read 16 bytes each without
// bank conflicts.
#include <cuda_bf16.h>
#include <cuda_fp16.h>

namespace mlx_rs {

__device__ __forceinline__ float to_float(float x) { return x; }
__device__ __forceinline__ float to_float(__half x) { return __half2float(x); }
__device__ __forceinline__ float to_float(__nv_bfloat16 x) { return __bfloat162float(x); }

template <typename T> __device__ __forceinline__ T rounded(float x);
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }
template <> __device__ __forceinline__ __half rounded<__half>(float x) { return __float2half(x); }
template <> __device__ __forceinline__ __nv_bfloat16 rounded<__nv_bfloat16>(float x) { return __float2bfloat16(x); }

/// 16 bytes as elements.
template <typename T> struct alignas(16) Chunk {
  static constexpr int size = 16 / sizeof(T);
  T e[size];
};

/// Where chunk `q` of the `C` chunks that go with the 16 bytes number `c` of a row lies.
template <int C> __device__ __forceinline__ int place(int c, int q) {
  return c * C + (q ^ ((c * C / 8) & (C - 1)));
}

__device__ __forceinline__ float sum_of_warp(float x) {
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}

/// Copies the vector `x` of `K` elements into shared memory, normalized by its root mean square if there is `norm`.
template <typename T, int C, bool Norm>
__device__ __forceinline__ void load_vector(Chunk<T>* to, const T* x, const T* norm, float eps, int K) {
  constexpr int n = Chunk<T>::size;
  const auto* from = reinterpret_cast<const Chunk<T>*>(x);
  const int chunks = K / n;
  float scale = 1.f;
  if constexpr (Norm) {
    __shared__ float sums[32];
    float sum = 0.f;
    for (int i = threadIdx.x; i < chunks; i += blockDim.x) {
      const Chunk<T> chunk = from[i];
#pragma unroll
      for (int j = 0; j < n; ++j) sum += to_float(chunk.e[j]) * to_float(chunk.e[j]);
    }
    sum = sum_of_warp(sum);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    sum = 0.f;
    for (int i = 0; i < (blockDim.x >> 5); ++i) sum += sums[i];
    scale = rsqrtf(sum / K + eps);
  }
  for (int i = threadIdx.x; i < chunks; i += blockDim.x) {
    Chunk<T> chunk = from[i];
    if constexpr (Norm) {
      const Chunk<T> weight = reinterpret_cast<const Chunk<T>*>(norm)[i];
#pragma unroll
      for (int j = 0; j < n; ++j) {
        chunk.e[j] = rounded<T>(to_float(weight.e[j]) * to_float(rounded<T>(to_float(chunk.e[j]) * scale)));
      }
    }
    to[place<C>(i / C, i % C)] = chunk;
  }
  __syncthreads();
}

/// The sums of `x · q` and `x` over the 16 bytes `q` of integers of `Bits` bits and as many elements `x`.
template <int Bits, typename T, int R>
__device__ __forceinline__ void products(const uint4 (&q)[R], const Chunk<T>* x, int c, float (&p)[R], float& sum) {
  constexpr int count = 128 / Bits, n = Chunk<T>::size, C = count / n;
  float f[count];
#pragma unroll
  for (int i = 0; i < C; ++i) {
    const Chunk<T> chunk = x[place<C>(c, i)];
#pragma unroll
    for (int j = 0; j < n; ++j) f[i * n + j] = to_float(chunk.e[j]);
  }
  sum = 0.f;
#pragma unroll
  for (int i = 0; i < count; ++i) sum += f[i];
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const unsigned words[4] = {q[r].x, q[r].y, q[r].z, q[r].w};
    float a = 0.f;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (Bits == 4) {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          // Two integers at once as bfloat16: 0x4300 is 128, whose last bit is worth 1.
          const unsigned two = ((words[i] >> (4 * j)) & 0x000F000Fu) | 0x43004300u;
          a = fmaf(__uint_as_float(two << 16), f[8 * i + j], a);
          a = fmaf(__uint_as_float(two & 0xFFFF0000u), f[8 * i + j + 4], a);
        }
      } else {
#pragma unroll
        for (int j = 0; j < 4; ++j) {
          a = fmaf(static_cast<float>((words[i] >> (8 * j)) & 0xFFu), f[4 * i + j], a);
        }
      }
    }
    p[r] = Bits == 4 ? a - 128.f * sum : a;
  }
}

/// The rows `row`, `row + step`, … of the products of `M` vectors in shared memory.
template <typename T, int Bits, int Group, int M, int R>
__device__ __forceinline__ void multiply(const Chunk<T>* x, const uint4* w, const T* scales, const T* biases,
                                         const int (&rows)[R], int K, float (&acc)[M][R]) {
  constexpr int count = 128 / Bits, C = count / Chunk<T>::size, per_group = Group / count;
  const int lane = threadIdx.x & 31, chunks = K / count, groups = K / Group;
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < R; ++r) acc[m][r] = 0.f;
  }
#pragma unroll 2
  for (int c = lane; c < chunks; c += 32) {
    uint4 q[R];
    float s[R], b[R];
#pragma unroll
    for (int r = 0; r < R; ++r) {
      q[r] = __ldcs(&w[static_cast<size_t>(rows[r]) * chunks + c]);
      const size_t g = static_cast<size_t>(rows[r]) * groups + c / per_group;
      s[r] = to_float(scales[g]);
      b[r] = to_float(biases[g]);
    }
#pragma unroll
    for (int m = 0; m < M; ++m) {
      float p[R], sum;
      products<Bits, T, R>(q, x + m * chunks * C, c, p, sum);
#pragma unroll
      for (int r = 0; r < R; ++r) acc[m][r] += s[r] * p[r] + b[r] * sum;
    }
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < R; ++r) acc[m][r] = sum_of_warp(acc[m][r]);
  }
}

/// `gate · sigmoid(gate) · up`, rounded as often as if these were operations of their own.
template <typename T> __device__ __forceinline__ T swiglu(float gate, float up) {
  const float g = to_float(rounded<T>(gate)), u = to_float(rounded<T>(up));
  const float sigmoid = to_float(rounded<T>(1.f / (1.f + __expf(-fabsf(g)))));
  const float silu = to_float(rounded<T>(g * (g < 0.f ? to_float(rounded<T>(1.f - sigmoid)) : sigmoid)));
  return rounded<T>(silu * u);
}

/// `y = x wᵀ` for `M` vectors `x`; with `Norm` of `x` normalized, with `SwiGlu` of the two halves of the product, with
/// `Residual` added to `residual`.
template <typename T, int Bits, int Group, int M, int R, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmv(const T* x, const uint4* w, const T* scales, const T* biases, const T* norm,
                                    const T* residual, T* y, float eps, int rows_of_w, int K) {
  extern __shared__ __align__(16) unsigned char memory[];
  constexpr int n = Chunk<T>::size, C = 128 / Bits / n, all = SwiGlu ? 2 * R : R;
  auto* vectors = reinterpret_cast<Chunk<T>*>(memory);
#pragma unroll
  for (int m = 0; m < M; ++m) load_vector<T, C, Norm>(vectors + m * (K / n), x + m * K, norm, eps, K);

  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w;
  const int first = ((blockIdx.x * blockDim.x + threadIdx.x) >> 5) * R;
  if (first >= N) return;
  int rows[all];
#pragma unroll
  for (int r = 0; r < all; ++r) rows[r] = min(first + r % R, N - 1) + (r < R ? 0 : N);
  float acc[M][all];
  multiply<T, Bits, Group, M, all>(vectors, w, scales, biases, rows, K, acc);
  if (threadIdx.x & 31) return;
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (first + r >= N) break;
      const int i = m * N + first + r;
      if constexpr (SwiGlu) {
        y[i] = swiglu<T>(acc[m][r], acc[m][R + r]);
      } else if constexpr (Residual) {
        y[i] = rounded<T>(to_float(residual[i]) + to_float(rounded<T>(acc[m][r])));
      } else {
        y[i] = rounded<T>(acc[m][r]);
      }
    }
  }
}

}  // namespace mlx_rs
