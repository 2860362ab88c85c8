// What the tensor cores do for one vector.
//
// Four lanes have half a piece of a row, so that it belongs to up to four groups: the vector's elements of each are a column of
// the other matrix, which is 0 elsewhere.
//
// Stands behind mma.cu.

template <typename T, int Bits, bool Floats, int Group> struct OneVector {
  /// Columns of a piece of 128 bytes and of half of it, and what a lane has of that in chunks of 8.
  static constexpr int of_piece = 1024 / Bits, of_half = of_piece / 2, chunks = of_half / 32;
  /// Groups of half a piece, of which one that is not quantized is one, and columns of one in that.
  static constexpr int groups = is_quantized<Bits> && Group < of_half ? of_half / Group : 1, of_group = of_half / groups;

  const uint4* vector;
  const float* sums;
  /// Of the rows `lane / 4` and `lane / 4 + 8`, in the lanes that have the results of groups; others have what means nothing.
  float acc[2] = {};

  /// Those of `columns` columns lie in shared memory.
  __device__ __forceinline__ OneVector(unsigned char* memory, int columns)
      : vector(reinterpret_cast<const uint4*>(memory)), sums(reinterpret_cast<const float*>(vector + columns / 8)) {}

  /// Where chunk `i` of a vector lies: the four lanes read side by side.
  static __device__ __forceinline__ int place(int i, int) {
    return i / (4 * chunks) * (4 * chunks) + i % chunks * 4 + i / chunks % 4;
  }

  /// Adds what a piece gives, number `at` of those in shared memory.
  template <typename Piece> __device__ __forceinline__ void add(const Piece& piece, int at) {
#pragma unroll
    for (int half = 0; half < 2; ++half) add_half(piece, half, 2 * at + half);
  }

  template <typename Piece> __device__ __forceinline__ void add_half(const Piece& piece, int half, int at) {
    constexpr int parts = Bits == 8 ? 2 : 1;
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3;
    const uint4 a = piece.chunk(row, half * 4 + quarter), b = piece.chunk(row + 8, half * 4 + quarter);
    const unsigned low[4] = {a.x, a.y, a.z, a.w}, high[4] = {b.x, b.y, b.z, b.w};
    // Whether the lane's column of the other matrix is its group.
    const bool is_own = row == (groups > 1 ? quarter * (of_half / 4) / Group : 0);
    float products[parts][4] = {};
#pragma unroll
    for (int j = 0; j < chunks; ++j) {
      uint4 v{0, 0, 0, 0};
      if (is_own) v = vector[(at * chunks + j) * 4 + quarter];
      multiply_chunk<T, Bits, Floats>(products, low, high, j, v);
    }
    if constexpr (is_quantized<Bits>) {
      add_groups(piece, products, half, at);
    } else {
      acc[0] += products[0][0], acc[1] += products[0][2];
    }
  }

  template <typename Piece, int parts>
  __device__ __forceinline__ void add_groups(const Piece& piece, const float (&products)[parts][4], int half, int at) {
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3;
#pragma unroll
    for (int k = 0; k < 2 && k < groups; ++k) {
      const int group = (quarter * 2 + k) % groups;
      const float sum = sums[at * groups + group];
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        const int number = half * of_half / Group + group;
        if constexpr (Floats) {
          acc[r] = fmaf(piece.power(row + 8 * r, number), products[0][2 * r + k], acc[r]);
        } else {
          const float2 s = piece.scale(row + 8 * r, number);
          acc[r] += s.x * exact<T, Bits>(products, 2 * r + k, sum) + s.y * sum;
        }
      }
    }
  }

  /// Writes the sums of 16 rows, and starts anew.
  __device__ __forceinline__ void put(float (&rows)[16][1]) {
#pragma unroll
    for (int r = 0; r < 2; ++r) {
      if constexpr (groups > 2) acc[r] += __shfl_xor_sync(~0u, acc[r], 1);
      if ((threadIdx.x & 3) == 0) rows[((threadIdx.x & 31) >> 2) + 8 * r][0] = acc[r];
      acc[r] = 0.f;
    }
  }
};
