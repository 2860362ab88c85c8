// Products of a few vectors with a matrix, and what stands before and after them in a decoder.
//
// A warp computes R rows at a time. A lane takes 16 bytes of each (32 weights of 4 bits, 16 of 8, or so many that are not
// quantized), the next lane the next 16; those of later rounds are on their way while these are multiplied. The vectors lie
// in shared memory as numbers of 32 bits, in the order that lets eight lanes read 16 bytes each without bank conflicts.
//
// Each kernel runs for some microseconds. What it would only wait for at its beginning and end is asked for before, and loops
// stay loops, for fetching instructions that are not run again takes as long as reading.
//
// Stands behind types.cu.

/// Where four numbers of a vector lie, number `q` of the `C` that go with the 16 bytes number `c` of a row.
template <int C> __device__ __forceinline__ int place(int c, int q) {
  return c * C + (q ^ ((c * C / 8) & (C - 1)));
}

/// Calls `use` with each number `i` below `total`, those 16 bytes of a vector `x`, and their numbers, with `Norm` times the weights of
/// a norm; gives a thread's part of the sum of squares without them. Lanes of a warp call it together, those behind the last
/// with what means nothing.
template <bool Norm, typename T, typename Use>
__device__ __forceinline__ float each_chunk(const T* x, const T* norm, int total, Use use) {
  constexpr int n = Chunk<T>::size, at_once = 4;
  const int lane = threadIdx.x & 31;
  float squares = 0.f;
#pragma unroll 1
  for (int start = threadIdx.x; start - lane < total; start += at_once * blockDim.x) {
    Chunk<T> chunks[at_once], weights[at_once];
#pragma unroll
    for (int u = 0; u < at_once; ++u) {
      const int i = min(start + u * static_cast<int>(blockDim.x), total - 1);
      chunks[u] = reinterpret_cast<const Chunk<T>*>(x)[i];
      if constexpr (Norm) weights[u] = reinterpret_cast<const Chunk<T>*>(norm)[i];
    }
#pragma unroll
    for (int u = 0; u < at_once; ++u) {
      const int i = start + u * static_cast<int>(blockDim.x);
      if (i - lane >= total) break;
      float f[n];
#pragma unroll
      for (int j = 0; j < n; ++j) {
        f[j] = to_float(chunks[u].e[j]);
        if constexpr (Norm) {
          squares += i < total ? f[j] * f[j] : 0.f;
          f[j] *= to_float(weights[u].e[j]);
        }
      }
      use(i, chunks[u], f);
    }
  }
  return squares;
}

/// The sum over `count` lanes, a power of two.
template <int count> __device__ __forceinline__ float sum_of_lanes(float x) {
#pragma unroll
  for (int o = 1; o < count; o <<= 1) x += __shfl_xor_sync(~0u, x, o);
  return x;
}

/// The vector `x` of `K` elements as chunks of `count` numbers in shared memory, and the sums of those; gives what `each_chunk`
/// does.
template <typename T, int count, bool Norm>
__device__ __forceinline__ float load_vector(float4* to, float* sums_of_chunks, const T* x, const T* norm, int K) {
  constexpr int n = Chunk<T>::size, C = count / 4, pieces = count / n;
  return each_chunk<Norm>(x, norm, K / n, [&](int i, const Chunk<T>&, const float (&f)[n]) {
    float all = 0.f;
#pragma unroll
    for (int j = 0; j < n; ++j) all += f[j];
    all = sum_of_lanes<pieces>(all);
    if (i >= K / n) return;
    if (i % pieces == 0) sums_of_chunks[i / pieces] = all;
#pragma unroll
    for (int j = 0; j < n; j += 4) {
      to[place<C>(i / pieces, (i % pieces * n + j) / 4)] = {f[j], f[j + 1], f[j + 2], f[j + 3]};
    }
  });
}

/// Of `M` vectors, each warp's part of the sum of squares; without `Norm` nothing. Lies in shared memory.
template <bool Norm, int M> struct Squares {
  static constexpr int warps = 8;
  float of_warps[warps][M];

  /// Takes what a warp's threads have of vector `m`.
  __device__ __forceinline__ void put(float squares, int m) {
    squares = sum_of_warp(squares);
    if ((threadIdx.x & 31) == 0) of_warps[threadIdx.x >> 5][m] = squares;
  }

  /// What the norm scales vector `m` of `K` elements by, once all warps have put theirs.
  __device__ __forceinline__ float scale(int m, int K, float eps) const {
    float sum = 0.f;
#pragma unroll 1
    for (int i = 0; i < warps; ++i) sum += of_warps[i][m];
    return rsqrtf(sum / K + eps);
  }
};
template <int M> struct Squares<false, M> {
  __device__ __forceinline__ void put(float, int) {}
  __device__ __forceinline__ float scale(int, int, float) const { return 1.f; }
};

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

/// What a product becomes: with `SwiGlu` that of `value` and `up`, with `Residual` added to `residual`.
template <bool SwiGlu, bool Residual, typename T>
__device__ __forceinline__ T outcome(float value, float up, T residual) {
  if constexpr (SwiGlu) return swiglu<T>(value, up);
  if constexpr (Residual) return rounded<T>(to_float(residual) + to_float(rounded<T>(value)));
  return rounded<T>(value);
}

/// Writes what a warp has computed for the outputs from `first` on, times what its vector is scaled by, and starts anew.
template <typename T, int M, int R, bool SwiGlu, bool Residual, int All>
__device__ __forceinline__ void put(float (&acc)[M][All], const float (&scales)[M], const T (&residual)[M][R], T* y, int first, int N) {
#pragma unroll
  for (int m = 0; m < M; ++m) {
#pragma unroll
    for (int r = 0; r < All; ++r) acc[m][r] = scales[m] * sum_of_warp(acc[m][r]);
#pragma unroll
    for (int r = 0; r < R; ++r) {
      if ((threadIdx.x & 31) != 0 || first + r >= N) continue;
      y[m * N + first + r] = outcome<SwiGlu, Residual>(acc[m][r], acc[m][All - R + r], residual[m][r]);
    }
#pragma unroll
    for (int r = 0; r < All; ++r) acc[m][r] = 0.f;
  }
}

/// `y = x wᵀ` for `M` vectors `x` of `K` elements; with `Norm` each normalized by its root mean square, with `SwiGlu` of the two
/// halves of the product, with `Residual` added to `residual`. Warps, of which a block has 8, take turns at the rows, `R` outputs at
/// a time, and never wait between them: the weights of the next are asked for while those of the last are multiplied.
template <typename T, int Bits, int Group, int M, int R, bool Norm, bool SwiGlu, bool Residual>
__device__ __forceinline__ void qmv(const T* x, const uint4* w, const T* scales, const T* biases, const T* norm,
                                    const T* residual, T* y, int rows_of_w, int K, float eps) {
  constexpr int count = 128 / Bits, all = SwiGlu ? 2 * R : R, per_group = Group > count ? Group / count : 1;
  constexpr int ahead = M > 1 ? 1 : all > 1 ? 3 : 4;
  const int N = SwiGlu ? rows_of_w / 2 : rows_of_w, chunks = K / count, groups = K / Group, lane = threadIdx.x & 31;
  const int warps = (gridDim.x * blockDim.x) >> 5, own = (blockIdx.x * blockDim.x + threadIdx.x) >> 5;
  const int rounds = (chunks + 31) / 32, turns = max((N + R - 1) / R - own + warps - 1, 0) / warps * rounds;
  let_next_start();

  using Turn = Weights<T, Bits, all>;
  Turn next[ahead];
  int asked_first = own * R, asked_round = 0;
  auto ask = [&](Turn& to) {
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
  if constexpr (Norm) bring_near(norm, K);
  wait_for_previous();

  auto* vectors = reinterpret_cast<float4*>(dynamic_memory());
  auto* sums = reinterpret_cast<float*>(vectors + M * K / 4);
  __shared__ Squares<Norm, M> squares;
#pragma unroll 1
  for (int m = 0; m < M; ++m) {
    squares.put(load_vector<T, count, Norm>(vectors + m * K / 4, sums + m * chunks, x + m * K, norm, K), m);
  }
  __syncthreads();
  float norms[M];
#pragma unroll
  for (int m = 0; m < M; ++m) norms[m] = squares.scale(m, K, eps);

  float acc[M][all] = {};
  T terms[M][R] = {};
  int first = own * R, round = 0;
#pragma unroll 1
  for (int turn = 0; turn < turns; ++turn) {
    const Turn now = next[0];
#pragma unroll
    for (int i = 1; i < ahead; ++i) next[i - 1] = next[i];
    if (turn + ahead < turns) ask(next[ahead - 1]);
    if constexpr (Residual) {
#pragma unroll
      for (int m = 0; m < M && round == 0; ++m) {
#pragma unroll
        for (int r = 0; r < R; ++r) terms[m][r] = residual[m * N + min(first + r, N - 1)];
      }
    }
    const int c = round * 32 + lane;
    if (c < chunks) {
#pragma unroll
      for (int m = 0; m < M; ++m) add_products<Bits>(now, vectors + m * K / 4, sums + m * chunks, c, acc[m]);
    }
    if (++round < rounds) continue;
    put<T, M, R, SwiGlu, Residual>(acc, norms, terms, y, first, N);
    round = 0;
    first += warps * R;
  }
}
