// Products of a few vectors with a matrix, and what stands before and after them in a decoder.
//
// A warp computes R rows at a time. A lane takes 16 bytes of each (32 weights of 4 bits, 16 of 8, or so many that are not
// quantized), the next lane the next 16; those of later rounds are on their way while these are multiplied. The vectors lie
// in shared memory as numbers of 32 bits, in the order that lets eight lanes read 16 bytes each without bank conflicts.
//
// Each kernel runs for some microseconds, of which fetching instructions that are not run again is a good part: loops stay loops.
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
#else
#include "on_cpu.h"
#endif

/// 16 bytes as elements.
template <typename T> struct alignas(16) Chunk {
  static constexpr int size = 16 / sizeof(T);
  T e[size];
};

/// Where four numbers of a vector lie, number `q` of the `C` that go with the 16 bytes number `c` of a row.
template <int C> __device__ __forceinline__ int place(int c, int q) {
  return c * C + (q ^ ((c * C / 8) & (C - 1)));
}

__device__ __forceinline__ float sum_of_warp(float x) {
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}

/// The vector `x` of `K` elements, normalized by its root mean square if `Norm`, as chunks of `count` numbers in shared memory, and
/// the sums of those.
template <typename T, int count, bool Norm>
__device__ __forceinline__ void load_vector(float4* to, float* sums_of_chunks, const T* x, const T* norm, float eps, int K) {
  constexpr int n = Chunk<T>::size, C = count / 4, pieces = count / n;
  const auto* from = reinterpret_cast<const Chunk<T>*>(x);
  float scale = 1.f;
  if constexpr (Norm) {
    __shared__ float sums[32];
    float sum = 0.f;
#pragma unroll 1
    for (int i = threadIdx.x; i < K / n; i += blockDim.x) {
      const Chunk<T> chunk = from[i];
#pragma unroll
      for (int j = 0; j < n; ++j) sum += to_float(chunk.e[j]) * to_float(chunk.e[j]);
    }
    sum = sum_of_warp(sum);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    sum = 0.f;
#pragma unroll 1
    for (int i = 0; i < (blockDim.x >> 5); ++i) sum += sums[i];
    scale = rsqrtf(sum / K + eps);
  }
#pragma unroll 1
  for (int c = threadIdx.x; c < K / count; c += blockDim.x) {
    float all = 0.f;
#pragma unroll 1
    for (int i = 0; i < pieces; ++i) {
      Chunk<T> chunk = from[c * pieces + i];
      if constexpr (Norm) {
        const Chunk<T> weight = reinterpret_cast<const Chunk<T>*>(norm)[c * pieces + i];
#pragma unroll
        for (int j = 0; j < n; ++j) {
          chunk.e[j] = rounded<T>(to_float(weight.e[j]) * to_float(rounded<T>(to_float(chunk.e[j]) * scale)));
        }
      }
#pragma unroll
      for (int j = 0; j < n; j += 4) {
        const float4 four{to_float(chunk.e[j]), to_float(chunk.e[j + 1]), to_float(chunk.e[j + 2]), to_float(chunk.e[j + 3])};
        all += four.x + four.y + four.z + four.w;
        to[place<C>(c, (i * n + j) / 4)] = four;
      }
    }
    sums_of_chunks[c] = all;
  }
}

/// Whether weights of so many bits have scales and biases.
template <int Bits> constexpr bool is_quantized = Bits <= 8;

/// 16 bytes of each of `R` rows, with the scales and biases of their group.
template <typename T, int Bits, int R> struct Weights {
  uint4 q[R];
  T s[is_quantized<Bits> ? R : 1], b[is_quantized<Bits> ? R : 1];

  __device__ __forceinline__ void load(const uint4* w, const T* scales, const T* biases, const int (&rows)[R], int c,
                                       int chunks, int groups, int per_group) {
#pragma unroll
    for (int r = 0; r < R; ++r) {
      q[r] = __ldcs(&w[static_cast<size_t>(rows[r]) * chunks + c]);
      if constexpr (is_quantized<Bits>) {
        const size_t g = static_cast<size_t>(rows[r]) * groups + c / per_group;
        s[r] = scales[g];
        b[r] = biases[g];
      }
    }
  }
};

/// The sum of products of 16 bytes of integers with `f`; those of 4 bits are taken for 128 more than they are.
template <int Bits> __device__ __forceinline__ float integers(const unsigned (&words)[4], const float (&f)[128 / Bits]) {
  float a = 0.f;
#pragma unroll
  for (int i = 0; i < 4; ++i) {
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      if constexpr (Bits == 4) {
        // Two integers at once as bfloat16: 0x4300 is 128, whose last bit is worth 1.
        const unsigned two = ((words[i] >> (4 * j)) & 0x000F000Fu) | 0x43004300u;
        a = fmaf(__uint_as_float(two << 16), f[8 * i + j], a);
        a = fmaf(__uint_as_float(two & 0xFFFF0000u), f[8 * i + j + 4], a);
      } else {
        a = fmaf(static_cast<float>((words[i] >> (8 * j)) & 0xFFu), f[4 * i + j], a);
      }
    }
  }
  return a;
}

/// Element `j` of 16 bytes.
template <typename T> __device__ __forceinline__ float element(const unsigned (&words)[4], int j) {
  if constexpr (sizeof(T) == 4) {
    return __uint_as_float(words[j]);
  } else {
    return to_float(T{static_cast<unsigned short>(words[j / 2] >> (16 * (j % 2)))});
  }
}

/// Adds the products of `R` rows' 16 bytes with the elements of a vector that belong to them.
template <int Bits, typename T, int R>
__device__ __forceinline__ void add_products(const Weights<T, Bits, R>& w, const float4* x, const float* sums, int c,
                                             float (&acc)[R]) {
  constexpr int count = 128 / Bits, C = count / 4;
  float f[count];
#pragma unroll
  for (int i = 0; i < C; ++i) {
    const float4 four = x[place<C>(c, i)];
    f[4 * i] = four.x, f[4 * i + 1] = four.y, f[4 * i + 2] = four.z, f[4 * i + 3] = four.w;
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const unsigned words[4] = {w.q[r].x, w.q[r].y, w.q[r].z, w.q[r].w};
    if constexpr (is_quantized<Bits>) {
      const float a = integers<Bits>(words, f), sum = sums[c];
      acc[r] += to_float(w.s[r]) * (Bits == 4 ? a - 128.f * sum : a) + to_float(w.b[r]) * sum;
    } else {
#pragma unroll
      for (int j = 0; j < count; ++j) acc[r] = fmaf(element<T>(words, j), f[j], acc[r]);
    }
  }
}

/// `gate · sigmoid(gate) · up`, rounded as often as if these were operations of their own.
template <typename T> __device__ __forceinline__ T swiglu(float gate, float up) {
  const float g = to_float(rounded<T>(gate)), u = to_float(rounded<T>(up));
  const float sigmoid = to_float(rounded<T>(1.f / (1.f + __expf(-g))));
  return rounded<T>(to_float(rounded<T>(g * sigmoid)) * u);
}

/// Writes what a warp has computed for the outputs from `first` on, and starts anew.
template <typename T, int M, int R, bool SwiGlu, bool Residual, int All>
__device__ __forceinline__ void put(float (&acc)[M][All], const T* residual, T* y, int first, int N) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < All; ++r) acc[m][r] = sum_of_warp(acc[m][r]);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if ((threadIdx.x & 31) != 0 || first + r >= N) continue;
      const int i = m * N + first + r;
      if constexpr (SwiGlu) {
        y[i] = swiglu<T>(acc[m][r], acc[m][R + r]);
      } else if constexpr (Residual) {
        y[i] = rounded<T>(to_float(residual[i]) + to_float(rounded<T>(acc[m][r])));
      } else {
        y[i] = rounded<T>(acc[m][r]);
      }
    }
#pragma unroll
    for (int r = 0; r < All; ++r) acc[m][r] = 0.f;
  }
}

/// `y = x wᵀ` for `M` vectors `x` of `K` elements; with `Norm` of the only one normalized, with `SwiGlu` of the two halves of the
/// product, with `Residual` added to `residual`. Warps take turns at the rows, `R` outputs at a time, and never wait between
/// them: the weights of the next are asked for while those of the last are multiplied.
template <typename T, int Bits, int Group, int M, int R, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmv(const T* x, const uint4* w, const T* scales, const T* biases, const T* norm,
                                    const T* residual, T* y, int rows_of_w, int K, float eps) {
  constexpr int count = 128 / Bits, all = SwiGlu ? 2 * R : R, per_group = Group > count ? Group / count : 1;
  constexpr int ahead = M > 1 ? 1 : all > 1 ? 3 : 4;
  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w, chunks = K / count, groups = K / Group, lane = threadIdx.x & 31;
  const int warps = (gridDim.x * blockDim.x) >> 5, own = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
  const int rounds = (chunks + 31) / 32, turns = max((N + R - 1) / R - own + warps - 1, 0) / warps * rounds;
  let_next_start();

  Weights<T, Bits, all> next[ahead];
  int asked_first = own * R, asked_round = 0;
  auto ask = [&](Weights<T, Bits, all>& to) {
    int rows[all];
#pragma unroll
    for (int r = 0; r < all; ++r) rows[r] = min(asked_first + r % R, N - 1) + (r < R ? 0 : N);
    to.load(w, scales, biases, rows, min(asked_round * 32 + lane, chunks - 1), chunks, groups, per_group);
    if (++asked_round == rounds) asked_round = 0, asked_first += warps * R;
  };
  // The first weights do not wait for the vector.
#pragma unroll
  for (int i = 0; i < ahead; ++i) {
    if (i < turns) ask(next[i]);
  }
  wait_for_previous();

  auto* vectors = reinterpret_cast<float4*>(dynamic_memory());
  auto* sums = reinterpret_cast<float*>(vectors + M * K / 4);
#pragma unroll 1
  for (int m = 0; m < M; ++m) load_vector<T, count, Norm>(vectors + m * K / 4, sums + m * chunks, x + m * K, norm, eps, K);
  __syncthreads();

  float acc[M][all] = {};
  int first = own * R, round = 0;
#pragma unroll 1
  for (int turn = 0; turn < turns; ++turn) {
    const Weights<T, Bits, all> now = next[0];
#pragma unroll
    for (int i = 1; i < ahead; ++i) next[i - 1] = next[i];
    if (turn + ahead < turns) ask(next[ahead - 1]);
    const int c = round * 32 + lane;
    if (c < chunks) {
#pragma unroll
      for (int m = 0; m < M; ++m) add_products<Bits>(now, vectors + m * K / 4, sums + m * chunks, c, acc[m]);
    }
    if (++round < rounds) continue;
    put<T, M, R, SwiGlu, Residual>(acc, residual, y, first, N);
    round = 0;
    first += warps * R;
  }
}
