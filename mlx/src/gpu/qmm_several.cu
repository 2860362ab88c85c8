// What the tensor cores do for up to eight vectors, each of which is a column of the other matrix.
//
// Four lanes have 64 columns of a row, which belong to one group.
//
// Stands behind mma.cu.

template <typename T, int Bits, int Group, int M> struct SeveralVectors {
  static constexpr int of_piece = 1024 / Bits, units = of_piece / 64, groups = 1, of_group = 64;

  const uint4* vectors;
  const float* sums;
  int columns;
  /// Of rows `lane / 4` and `lane / 4 + 8` with vectors `2 · (lane % 4)` and the next.
  float acc[4] = {};

  /// Those of `columns` columns lie in shared memory.
  __device__ __forceinline__ SeveralVectors(unsigned char* memory, int columns)
      : vectors(reinterpret_cast<const uint4*>(memory)),
        sums(reinterpret_cast<const float*>(vectors + M * columns / 8)),
        columns(columns) {}

  /// Where chunk `i` of vector `m` lies, from the vector's first on: the four lanes of two vectors do not meet in a bank.
  static __device__ __forceinline__ int place(int i, int m) { return (i & ~7) + ((i % 2 * 4 + i / 2 % 4) ^ ((m & 1) << 2)); }

  template <typename Piece> __device__ __forceinline__ void add(const Piece& piece, int at) {
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3, m = min(row, M - 1);
#pragma unroll
    for (int unit = 0; unit < units; ++unit) {
      constexpr int parts = Bits == 8 ? 2 : 1, words = Bits / 2;
      unsigned low[words], high[words];
      piece.template words_of<words>(low, row, unit * 4 + quarter);
      piece.template words_of<words>(high, row + 8, unit * 4 + quarter);
      float products[parts][4] = {};
#pragma unroll
      for (int j = 0; j < 2; ++j) {
        const uint4 v = vectors[m * (columns / 8) + (at * units + unit) * 8 + ((j * 4 + quarter) ^ ((m & 1) << 2))];
        multiply_chunk<T, Bits, false>(products, low, high, j, v);
      }
#pragma unroll
      for (int r = 0; r < 2; ++r) {
        float2 s{1.f, 0.f};
        if constexpr (is_quantized<Bits>) s = piece.scale(row + 8 * r, unit * 64 / Group);
#pragma unroll
        for (int k = 0; k < 2; ++k) {
          if constexpr (is_quantized<Bits>) {
            const float sum = sums[min(2 * quarter + k, M - 1) * (columns / 64) + at * units + unit];
            acc[2 * r + k] += s.x * exact<T, Bits>(products, 2 * r + k, sum) + s.y * sum;
          } else {
            acc[2 * r + k] += products[0][2 * r + k];
          }
        }
      }
    }
  }

  /// Writes the sums of 16 rows, and starts anew.
  __device__ __forceinline__ void put(float (&rows)[16][M]) {
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if (2 * quarter + i % 2 < M) rows[row + i / 2 * 8][2 * quarter + i % 2] = acc[i];
      acc[i] = 0.f;
    }
  }
};
