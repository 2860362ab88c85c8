// Products of up to eight vectors with a quantized matrix on the tensor cores, which take halves.
//
// A warp computes a tile of 16 rows of the matrix; several share the columns of a tile. It goes along them in steps of 256:
// four lanes have a row, each an eighth or sixteenth of 16 elements of each 64. Integers become halves by their last bits, 4
// at a time: 128 or 1024 more than they are, which is taken back with the sums of the vectors' elements, products with
// ones. The vectors lie in shared memory in the order in which that gives the integers.
//
// Stands behind qmv.cu, whose types it uses.

#ifdef __CUDA_ARCH__
/// `c += a b` for 16x16 and 16x8 halves.
template <typename T> __device__ __forceinline__ void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1);
template <> __device__ __forceinline__ void multiply<bf16>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
template <> __device__ __forceinline__ void multiply<f16>(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  asm("mma.sync.aligned.m16n8k16.row.col.f32.f16.f16.f32 {%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
               : "+f"(c[0]), "+f"(c[1]), "+f"(c[2]), "+f"(c[3])
               : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b0), "r"(b1));
}
#endif

/// Two ones, and two halves whose last bit is worth 1, with their value.
template <typename T> struct Magic;
template <> struct Magic<bf16> {
  static constexpr unsigned ones = 0x3F803F80u, base = 0x43004300u;
  static constexpr float value = 128.f;
};
template <> struct Magic<f16> {
  static constexpr unsigned ones = 0x3C003C00u, base = 0x64006400u;
  static constexpr float value = 1024.f;
};

/// Bits `4 s` to `4 s + 3` of both halves of a word.
template <typename T> __device__ __forceinline__ unsigned two(unsigned word, int s) {
  return ((word >> (4 * s)) & 0x000F000Fu) | Magic<T>::base;
}

/// Where 8 elements of vector `m` lie that are number `i`, so that lanes do not meet in a bank.
__device__ __forceinline__ int slot(int m, int i) { return i ^ (m & 1); }

/// Eight elements in the order of the integers of so many bits in a word.
template <int Bits, typename T> __device__ __forceinline__ uint4 in_order(const Chunk<T>& chunk) {
  unsigned e[8];
#pragma unroll
  for (int j = 0; j < 8; ++j) e[j] = chunk.e[j].bits;
  if constexpr (Bits == 4) return {e[0] | e[4] << 16, e[1] | e[5] << 16, e[2] | e[6] << 16, e[3] | e[7] << 16};
  return {e[0] | e[2] << 16, e[1] | e[3] << 16, e[4] | e[6] << 16, e[5] | e[7] << 16};
}

/// What a lane has of 256 columns of two rows.
template <typename T, int Bits, int Group> struct Step {
  static constexpr int words = Bits / 2, scales = 256 / Group;
  unsigned w[2][4][words];
  /// Two of them in a word.
  unsigned s[2][scales / 2], b[2][scales / 2];

  __device__ __forceinline__ void load(const unsigned* weights, const T* all_s, const T* all_b, const int (&rows)[2], int step,
                                       int K) {
    const int quarter = threadIdx.x & 3;
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      const size_t row = static_cast<size_t>(rows[r]);
      const unsigned* from = weights + row * (K * Bits / 32) + step * (256 * Bits / 32) + quarter * words;
#pragma unroll
      for (int u = 0; u < 4; ++u) {
        if constexpr (words == 2) {
          const uint2 q = __ldcs(reinterpret_cast<const uint2*>(from + u * 4 * words));
          w[r][u][0] = q.x, w[r][u][1] = q.y;
        } else {
          const uint4 q = __ldcs(reinterpret_cast<const uint4*>(from + u * 4 * words));
          w[r][u][0] = q.x, w[r][u][1] = q.y, w[r][u][2] = q.z, w[r][u][3] = q.w;
        }
      }
      load_scales(s[r], all_s + row * (K / Group) + step * scales);
      load_scales(b[r], all_b + row * (K / Group) + step * scales);
    }
  }

  static __device__ __forceinline__ void load_scales(unsigned (&to)[scales / 2], const T* from) {
    if constexpr (scales == 4) {
      const uint2 q = *reinterpret_cast<const uint2*>(from);
      to[0] = q.x, to[1] = q.y;
    } else {
      to[0] = *reinterpret_cast<const unsigned*>(from);
    }
  }

  static __device__ __forceinline__ float half_of(const unsigned (&words)[scales / 2], int g) {
    return to_float(T{static_cast<unsigned short>(words[g / 2] >> (16 * (g % 2)))});
  }
};

/// Adds what 256 columns give, number `step`; `x` are those of the lane's vector.
template <int Bits, int Group, typename T>
__device__ __forceinline__ void add_step(const Step<T, Bits, Group>& now, const uint4* x, int m, int step, float (&acc)[4]) {
  constexpr int words = Step<T, Bits, Group>::words, parts = Bits / 4;
  const int quarter = threadIdx.x & 3;
  const unsigned ones[4] = {Magic<T>::ones, Magic<T>::ones, Magic<T>::ones, Magic<T>::ones};
#pragma unroll
  for (int u = 0; u < 4; ++u) {
    float sum[4] = {}, products[parts][4] = {};
#pragma unroll
    for (int j = 0; j < 2; ++j) {
      const uint4 v = x[slot(m, (step * 4 + u) * 8 + quarter * 2 + j)];
      const unsigned b[4] = {v.x, v.y, v.z, v.w};
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        multiply<T>(sum, ones, b[2 * i], b[2 * i + 1]);
#pragma unroll
        for (int p = 0; p < parts; ++p) {
          // Of 8 bits each word has what two of the four halves of b go with, of 4 bits all.
          const int word = Bits == 4 ? j : 2 * j + i, s = Bits == 4 ? 2 * i : p, next = Bits == 4 ? s + 1 : s + 2;
          const unsigned low = now.w[0][u][word < words ? word : 0], high = now.w[1][u][word < words ? word : 0];
          const unsigned a[4] = {two<T>(low, s), two<T>(high, s), two<T>(low, next), two<T>(high, next)};
          multiply<T>(products[p], a, b[2 * i], b[2 * i + 1]);
        }
      }
    }
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      const int g = u * 64 / Group;
      const float scale = now.half_of(now.s[i / 2], g), bias = now.half_of(now.b[i / 2], g);
      // The number and what has been added to it, in units of the last bit.
      constexpr float extra = Bits == 4 ? Magic<T>::value : 17.f * Magic<T>::value;
      const float number = Bits == 4 ? products[0][i] : fmaf(16.f, products[parts - 1][i], products[0][i]);
      acc[i] += scale * fmaf(-extra, sum[i], number) + bias * sum[i];
    }
  }
}

/// Copies `count` elements of each of `M` vectors of `K` into shared memory, in order; the only one, and all of it, normalized by
/// its root mean square if `Norm`.
template <typename T, int Bits, int M, bool Norm>
__device__ __forceinline__ void load_in_order(uint4* to, int stride, const T* x, int count, const T* norm, float eps, int K) {
  const int chunks = count / 8;
  float scale = 1.f;
  if constexpr (Norm) {
    __shared__ float sums[32];
    float sum = 0.f;
    for (int i = threadIdx.x; i < chunks; i += blockDim.x) {
      const Chunk<T> chunk = reinterpret_cast<const Chunk<T>*>(x)[i];
#pragma unroll
      for (int j = 0; j < 8; ++j) sum += to_float(chunk.e[j]) * to_float(chunk.e[j]);
    }
    sum = sum_of_warp(sum);
    if ((threadIdx.x & 31) == 0) sums[threadIdx.x >> 5] = sum;
    __syncthreads();
    sum = 0.f;
    for (int i = 0; i < (blockDim.x >> 5); ++i) sum += sums[i];
    scale = rsqrtf(sum / K + eps);
  }
#pragma unroll
  for (int m = 0; m < M; ++m) {
    for (int i = threadIdx.x; i < chunks; i += blockDim.x) {
      Chunk<T> chunk = reinterpret_cast<const Chunk<T>*>(x + static_cast<size_t>(m) * K)[i];
      if constexpr (Norm) {
        const Chunk<T> weight = reinterpret_cast<const Chunk<T>*>(norm)[i];
#pragma unroll
        for (int j = 0; j < 8; ++j) {
          chunk.e[j] = rounded<T>(to_float(weight.e[j]) * to_float(rounded<T>(to_float(chunk.e[j]) * scale)));
        }
      }
      to[m * stride + slot(m, i)] = in_order<Bits>(chunk);
    }
  }
  __syncthreads();
}

/// As `qmv`, of vectors of a multiple of 256 elements, of which `tile` lie in shared memory at once: all, or a multiple of what
/// the warps of a tile of the matrix ask for. A block has `Tiles` of those; with `SwiGlu` one has 8 rows of each half of the
/// matrix.
template <typename T, int Bits, int Group, int M, int Warps, int Tiles, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmm(const T* x, const unsigned* w, const T* scales, const T* biases, const T* norm,
                                    const T* residual, T* y, int rows_of_w, int K, int tile, float eps) {
  constexpr int splits = Warps / Tiles, outputs = SwiGlu ? 8 : 16, ahead = Bits == 4 ? 2 : 1;
  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w, lane = threadIdx.x & 31, warp = threadIdx.x >> 5, m = lane >> 2;
  const int first = (blockIdx.x * Tiles + warp / splits) * outputs + m, steps = K / 256;
  const int rows[2] = {min(first, N - 1), SwiGlu ? N + min(first, N - 1) : min(first + 8, N - 1)};
  let_next_start();
  // The first weights do not wait for the vectors.
  Step<T, Bits, Group> next[ahead];
#pragma unroll
  for (int i = 0; i < ahead; ++i) {
    const int step = warp % splits + i * splits;
    if (step < steps) next[i].load(w, scales, biases, rows, step, K);
  }
  wait_for_previous();
  auto* vectors = reinterpret_cast<uint4*>(dynamic_memory());
  const int own = m < M ? m : 0;
  float acc[4] = {};
  for (int start = 0; start < K; start += tile) {
    const int end = min(start + tile, K) / 256;
    if (start > 0) __syncthreads();
    load_in_order<T, Bits, M, Norm>(vectors, tile / 8, x + start, end * 256 - start, norm, eps, K);
    #pragma unroll 1
    for (int first = start / 256 + warp % splits; first < end; first += splits) {
      const Step<T, Bits, Group> now = next[0];
      if constexpr (ahead > 1) next[0] = next[1];
      const int later = first + ahead * splits;
      if (later < steps) next[ahead - 1].load(w, scales, biases, rows, later, K);
      add_step<Bits, Group>(now, vectors + own * (tile / 8), own, first - start / 256, acc);
    }
  }

  // Lanes have rows `m` and `m + 8` of vectors `2 (lane % 4)` and the next.
  __shared__ float sums[Warps][16][8];
#pragma unroll
  for (int i = 0; i < 4; ++i) sums[warp][m + i / 2 * 8][(lane & 3) * 2 + i % 2] = acc[i];
  __syncthreads();
  for (int i = threadIdx.x; i < Tiles * outputs * M; i += blockDim.x) {
    const int vector = i / (Tiles * outputs), row = i % (Tiles * outputs), tile = row / outputs, r = row % outputs;
    const int to = blockIdx.x * Tiles * outputs + row;
    if (to >= N) continue;
    float value = 0.f, up = 0.f;
#pragma unroll
    for (int s = 0; s < splits; ++s) {
      value += sums[tile * splits + s][r][vector];
      if constexpr (SwiGlu) up += sums[tile * splits + s][r + 8][vector];
    }
    const size_t at = static_cast<size_t>(vector) * N + to;
    if constexpr (SwiGlu) {
      y[at] = swiglu<T>(value, up);
    } else if constexpr (Residual) {
      y[at] = rounded<T>(to_float(residual[at]) + to_float(rounded<T>(value)));
    } else {
      y[at] = rounded<T>(value);
    }
  }
}
