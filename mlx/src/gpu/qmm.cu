// Products of up to eight vectors with a matrix of integers or halves on the tensor cores.
//
// Lanes would have to unpack an integer into each number they multiply, which takes longer than reading it; the tensor cores
// take two at once. A block computes tiles of 16 rows one after the other, of which each of its warps has some pieces of 128
// bytes a row, the next of which are on their way to shared memory.
//
// Stands behind qmv.cu, qmm_one.cu and qmm_several.cu.

template <typename T, bool Floats> struct ScaleOf {
  using Type = T;
};
template <typename T> struct ScaleOf<T, true> {
  using Type = unsigned char;
};

/// Scales and biases of a piece of 16 rows; of floats, the exponents of their scales.
template <typename T, bool Floats, int count> struct Scales {
  alignas(16) T of_rows[16][2][count];
};
template <typename T, int count> struct Scales<T, true, count> {
  alignas(16) unsigned char of_rows[16][count];
};
template <typename T> struct Scales<T, false, 0> {};

template <int Bits, int Group> constexpr int scales_of_piece = is_quantized<Bits> ? 1024 / Bits / Group : 0;

/// A piece of 16 rows, in shared memory.
template <typename T, int Bits, bool Floats, int Group>
struct alignas(16) Piece : Scales<T, Floats, scales_of_piece<Bits, Group>> {
  uint4 w[16][8];

  /// Where 16 bytes of a row lie, so that lanes which read some rows do not meet in a bank.
  static __device__ __forceinline__ int place(int row, int i) {
    return i ^ ((row & 1) << 2 | (row & 2) | (row >> 2 & 1));
  }

  /// Has number `piece` of the rows that `row_of` tells copied from memory, by a warp.
  template <typename Rows>
  __device__ __forceinline__ void fetch(const uint4* weights, const typename ScaleOf<T, Floats>::Type* all_scales,
                                        const T* all_biases, Rows row_of, int piece, int K) {
    constexpr int scales = scales_of_piece<Bits, Group>;
    const int lane = threadIdx.x & 31;
#pragma unroll
    for (int j = 0; j < 4; ++j) {
      const int r = 4 * j + lane / 8, i = lane % 8;
      copy_async<16>(&w[r][place(r, i)], &weights[static_cast<size_t>(row_of(r)) * (K * Bits / 128) + piece * 8 + i]);
    }
    if constexpr (Floats) {
      if (lane >= 16) return;
      copy_async<scales>(this->of_rows[lane], all_scales + static_cast<size_t>(row_of(lane)) * (K / Group) + piece * scales);
    } else if constexpr (is_quantized<Bits>) {
      const size_t at = static_cast<size_t>(row_of(lane / 2)) * (K / Group) + piece * scales;
      const T* from = lane & 1 ? all_biases : all_scales;
      copy_async<scales * static_cast<int>(sizeof(T))>(this->of_rows[lane / 2][lane & 1], from + at);
    }
  }

  /// 16 bytes of a row.
  __device__ __forceinline__ uint4 chunk(int row, int i) const { return w[row][place(row, i)]; }

  /// Words of a row, number `i` of so many.
  template <int count> __device__ __forceinline__ void words_of(unsigned (&words)[count], int row, int i) const {
    if constexpr (count == 1) {
      words[0] = reinterpret_cast<const unsigned*>(&w[row][place(row, i / 4)])[i % 4];
    } else if constexpr (count == 2) {
      const uint2 q = reinterpret_cast<const uint2*>(&w[row][place(row, i / 2)])[i % 2];
      words[0] = q.x, words[1] = q.y;
    } else {
#pragma unroll
      for (int c = 0; c < count / 4; ++c) {
        const uint4 q = chunk(row, i * (count / 4) + c);
        words[4 * c] = q.x, words[4 * c + 1] = q.y, words[4 * c + 2] = q.z, words[4 * c + 3] = q.w;
      }
    }
  }

  /// Scale and bias number `i` of a row.
  __device__ __forceinline__ float2 scale(int row, int i) const {
    return {to_float(this->of_rows[row][0][i]), to_float(this->of_rows[row][1][i])};
  }

  /// The power of two that scales a row's group number `i` of floats.
  __device__ __forceinline__ float power(int row, int i) const {
    const unsigned exponent = this->of_rows[row][i];
    return __uint_as_float(exponent > 0 ? exponent << 23 : 1u << 22);
  }
};

/// `count` elements of a vector `x` as chunks in the order of integers, at the places that `Vectors` says, and the sums of groups, or
/// of what it has of them at once. With `Norm` there is room for the weights; gives what `each_chunk` does.
template <typename Vectors, typename T, int Bits, bool Norm>
__device__ __forceinline__ float load_chunks(uint4* to, float* sums, const T* x, const T* norm, int count, int m) {
  constexpr int of_group = Vectors::of_group / 8;
  return each_chunk<Norm>(x, norm, count / 8, [&](int i, Chunk<T> chunk, const float (&f)[8]) {
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < 8; ++j) {
      if constexpr (Norm) chunk.e[j] = rounded<T>(f[j] / Magic<T>::room);
      sum += to_float(chunk.e[j]);
    }
    if constexpr (is_quantized<Bits>) sum = sum_of_lanes<of_group>(sum);
    if (i >= count / 8) return;
    if (is_quantized<Bits> && i % of_group == 0) sums[i / of_group] = sum;
    to[Vectors::place(i, m)] = in_order<Bits>(chunk);
  });
}

template <typename T, int Bits, bool Floats, int Group, int M> struct Choice {
  using Vectors = SeveralVectors<T, Bits, Floats, Group, M>;
};
template <typename T, int Bits, bool Floats, int Group> struct Choice<T, Bits, Floats, Group, 1> {
  using Vectors = OneVector<T, Bits, Floats, Group>;
};

/// As `qmv`, of vectors of a multiple of `1024 / Bits` halves, by blocks of 8 warps, each of which has `ahead` pieces on their way. So
/// many `columns` of the vectors lie in shared memory at once: all, as with `Norm`, or a multiple of `8192 / Bits`. With `Floats` the
/// matrix has those of 4 bits (E2M1), and its scales are powers of two (E8M0).
template <typename T, int Bits, bool Floats, int Group, int M, int ahead, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmm(const T* x, const uint4* w, const typename ScaleOf<T, Floats>::Type* scales, const T* biases,
                                    const T* norm, const T* residual, T* y, int rows_of_w, int K, int columns, float eps) {
  static_assert(!Floats || Bits == 4, "there are no other kernels of floats");
  using Vectors = typename Choice<T, Bits, Floats, Group, M>::Vectors;
  using Weights = Piece<T, Bits, Floats, Group>;
  constexpr int warps = 8, outputs = SwiGlu ? 8 : 16, of_piece = 1024 / Bits;
  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w, warp = threadIdx.x >> 5;
  const int tiles = (N + outputs - 1) / outputs, pieces = K / of_piece, at_once = columns / of_piece;
  Weights* const ring = reinterpret_cast<Weights*>(dynamic_memory()) + warp * ahead;
  unsigned char* const memory = dynamic_memory() + warps * ahead * sizeof(Weights);
  let_next_start();

  int asked_tile = warp < pieces ? blockIdx.x : tiles, asked_piece = warp, asked = 0;
  auto ask = [&] {
    if (asked_tile < tiles) {
      auto row_of = [&](int r) {
        return SwiGlu ? min(asked_tile * 8 + r % 8, N - 1) + r / 8 * N : min(asked_tile * 16 + r, N - 1);
      };
      ring[asked].fetch(w, scales, biases, row_of, asked_piece, K);
      asked = (asked + 1) % ahead;
      if ((asked_piece += warps) >= pieces) asked_piece = warp, asked_tile += gridDim.x;
    }
    end_of_copies();
  };
  // The first weights do not wait for the vectors.
#pragma unroll 1
  for (int i = 0; i < ahead; ++i) ask();
  if constexpr (Norm) bring_near(norm, K);
  wait_for_previous();

  __shared__ Squares<Norm, M> squares;
  auto load = [&](int from) {
    auto* to = reinterpret_cast<uint4*>(memory);
    auto* sums = reinterpret_cast<float*>(to + M * columns / 8);
#pragma unroll 1
    for (int m = 0; m < M; ++m) {
      squares.put(load_chunks<Vectors, T, Bits, Norm>(to + m * columns / 8, sums + m * columns / Vectors::of_group,
                                                      x + static_cast<size_t>(m) * K + from, norm, min(columns, K - from), m),
                  m);
    }
  };
  if (columns == K) load(0);
  __syncthreads();
  // Of the vector whose results the thread writes.
  const int m = threadIdx.x / outputs;
  const float scale = squares.scale(min(m, M - 1), K, eps) * (Norm ? Magic<T>::room : 1.f);

  __shared__ float of_warps[2][warps][16][M];
  Vectors vectors(memory, columns);
  int next = 0;
  bool odd = false;
#pragma unroll 1
  for (int tile = blockIdx.x; tile < tiles; tile += gridDim.x, odd = !odd) {
    const int output = tile * outputs + threadIdx.x % outputs;
    const bool writes = m < M && output < N;
    T term{};
    if (Residual && writes) term = residual[m * N + output];
#pragma unroll 1
    for (int from = 0; from < pieces; from += at_once) {
      if (columns < K) {
        __syncthreads();
        load(from * of_piece);
        __syncthreads();
      }
#pragma unroll 1
      for (int piece = from + warp; piece < min(from + at_once, pieces); piece += warps) {
        wait_for_copies<ahead - 1>();
        vectors.add(ring[next], piece - from);
        next = (next + 1) % ahead;
        // All lanes have read what is written over now.
        __syncwarp();
        ask();
      }
    }
    vectors.put(of_warps[odd][warp]);
    __syncthreads();
    if (!writes) continue;
    float value = 0.f, up = 0.f;
#pragma unroll
    for (int v = 0; v < warps; ++v) {
      value += of_warps[odd][v][threadIdx.x % outputs][m];
      if constexpr (SwiGlu) up += of_warps[odd][v][threadIdx.x % outputs + 8][m];
    }
    y[m * N + output] = outcome<SwiGlu, Residual>(scale * value, scale * up, term);
  }
}
