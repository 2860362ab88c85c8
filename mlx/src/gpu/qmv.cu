// Products of a few vectors with a matrix, and what stands before and after them in a decoder.
//
// A warp computes R rows. A lane takes 16 bytes of each row at a time (32 weights of 4 bits, 16 of 8, or so many that are not
// quantized), the next lane the next 16; those of the next rounds are on their way while these are multiplied. The vectors
// lie in shared memory, in the order that lets eight lanes read 16 bytes each without bank conflicts.
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
__device__ __forceinline__ float to_float(f16 x) {
  float y;
  asm("cvt.f32.f16 %0, %1;" : "=f"(y) : "h"(x.bits));
  return y;
}

template <typename T> __device__ __forceinline__ T rounded(float x);
template <> __device__ __forceinline__ float rounded<float>(float x) { return x; }
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

/// 16 bytes as elements.
template <typename T> struct alignas(16) Chunk {
  static constexpr int size = 16 / sizeof(T);
  T e[size];
};

/// Where chunk `q` of the `C` chunks that go with the 16 bytes number `c` of a row lies.
template <int C> __device__ __forceinline__ int place(int c, int q) {
  return c * C + (q ^ ((c * C / 8) & (C - 1)));
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

__device__ __forceinline__ float sum_of_warp(float x) {
  for (int o = 16; o; o >>= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}

/// Copies the vector `x` of `K` elements into shared memory, normalized by its root mean square if `Norm`.
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
__device__ __forceinline__ void add_products(const Weights<T, Bits, R>& w, const Chunk<T>* x, int c, float (&acc)[R]) {
  constexpr int count = 128 / Bits, n = Chunk<T>::size, C = count / n;
  float f[count], sum = 0.f;
#pragma unroll
  for (int i = 0; i < C; ++i) {
    const Chunk<T> chunk = x[place<C>(c, i)];
#pragma unroll
    for (int j = 0; j < n; ++j) sum += f[i * n + j] = to_float(chunk.e[j]);
  }
#pragma unroll
  for (int r = 0; r < R; ++r) {
    const unsigned words[4] = {w.q[r].x, w.q[r].y, w.q[r].z, w.q[r].w};
    if constexpr (is_quantized<Bits>) {
      const float a = integers<Bits>(words, f);
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

/// `y = x wᵀ` for `M` vectors `x` of `K` elements, of which those that go with `tile` times 16 bytes of a row lie in shared
/// memory at once: all, or with a multiple of what the lanes of a warp ask for. With `Norm` of `x` normalized, which is one
/// vector and all of it; with `SwiGlu` of the two halves of the product; with `Residual` added to `residual`.
template <typename T, int Bits, int Group, int M, int R, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmv(const T* x, const uint4* w, const T* scales, const T* biases, const T* norm,
                                    const T* residual, T* y, int rows_of_w, int K, int tile, float eps) {
  extern __shared__ __align__(16) unsigned char memory[];
  constexpr int count = 128 / Bits, C = count / Chunk<T>::size, all = SwiGlu ? 2 * R : R, per_group = Group > count ? Group / count : 1;
  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w, chunks = K / count, groups = K / Group;
  const int first = ((blockIdx.x * blockDim.x + threadIdx.x) >> 5) * R, lane = threadIdx.x & 31;
  int rows[all];
#pragma unroll
  for (int r = 0; r < all; ++r) rows[r] = min(first + r % R, N - 1) + (r < R ? 0 : N);
  let_next_start();
  // The first weights do not wait for the vector.
  constexpr int ahead = all > 2 || M > 1 ? 1 : 3;
  Weights<T, Bits, all> next[ahead];
#pragma unroll
  for (int i = 0; i < ahead; ++i) {
    const int c = lane + 32 * i;
    if (c < chunks) next[i].load(w, scales, biases, rows, c, chunks, groups, per_group);
  }
  wait_for_previous();

  auto* vectors = reinterpret_cast<Chunk<T>*>(memory);
  float acc[M][all] = {};
  for (int start = 0; start < chunks; start += tile) {
    const int end = min(start + tile, chunks);
    if (start > 0) __syncthreads();
#pragma unroll
    for (int m = 0; m < M; ++m) {
      load_vector<T, C, Norm>(vectors + m * tile * C, x + m * K + start * count, norm, eps, (end - start) * count);
    }
    for (int first = start + lane; first < end; first += 32 * ahead) {
#pragma unroll
      for (int i = 0; i < ahead; ++i) {
        const int c = first + 32 * i, later = c + 32 * ahead;
        if (c >= end) break;
        const Weights<T, Bits, all> now = next[i];
        if (later < chunks) next[i].load(w, scales, biases, rows, later, chunks, groups, per_group);
#pragma unroll
        for (int m = 0; m < M; ++m) add_products<Bits>(now, vectors + m * tile * C, c - start, acc[m]);
      }
    }
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < all; ++r) acc[m][r] = sum_of_warp(acc[m][r]);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if (lane != 0 || first + r >= N) continue;
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
