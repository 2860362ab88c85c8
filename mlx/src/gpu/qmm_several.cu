// What the tensor cores do for up to eight vectors, each of which is a column of the other matrix.
//
// Four lanes have 64 columns of a row, or 32, which belong to one group.
//
// Stands behind mma.cu.

template <typename T, int Bits, bool Floats, int Group, int M> struct SeveralVectors {
  /// Columns that four lanes have, and what one has of them in chunks of 8.
  static constexpr int of_unit = is_quantized<Bits> && Group < 64 ? 32 : 64, chunks = of_unit / 32;
  static constexpr int units = 1024 / Bits / of_unit, of_group = of_unit;

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
  static __device__ __forceinline__ int place(int i, int m) {
    return (i / (4 * chunks) * (4 * chunks) + i % chunks * 4 + i / chunks % 4) ^ ((m & 1) << 2);
  }

  template <typename Piece> __device__ __forceinline__ void add(const Piece& piece, int at) {
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3, m = min(row, M - 1);
#pragma unroll
    for (int unit = 0; unit < units; ++unit) {
      constexpr int parts = Bits == 8 ? 2 : 1, words = Bits / 4 * chunks;
      unsigned low[words], high[words];
      piece.template words_of<words>(low, row, unit * 4 + quarter);
      piece.template words_of<words>(high, row + 8, unit * 4 + quarter);
      float products[parts][4] = {};
#pragma unroll
      for (int j = 0; j < chunks; ++j) {
        const int chunk = (at * units + unit) * (4 * chunks) + j * 4 + quarter;
        multiply_chunk<T, Bits, Floats>(products, low, high, j, vectors[m * (columns / 8) + (chunk ^ ((m & 1) << 2))]);
      }
      add_unit(piece, products, unit, at);
    }
  }

  template <typename Piece, int parts>
  __device__ __forceinline__ void add_unit(const Piece& piece, const float (&products)[parts][4], int unit, int at) {
    const int row = (threadIdx.x & 31) >> 2, quarter = threadIdx.x & 3;
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      if constexpr (Floats) {
        acc[i] = fmaf(piece.power(row + i / 2 * 8, unit * of_unit / Group), products[0][i], acc[i]);
      } else if constexpr (is_quantized<Bits>) {
        const float sum = sums[min(2 * quarter + i % 2, M - 1) * (columns / of_unit) + at * units + unit];
        const float2 s = piece.scale(row + i / 2 * 8, unit * of_unit / Group);
        acc[i] += s.x * exact<T, Bits>(products, i, sum) + s.y * sum;
      } else {
        acc[i] += products[0][i];
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
