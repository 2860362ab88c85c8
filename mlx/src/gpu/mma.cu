// Tensor cores, which take halves, with matrices of integers and of floats of 4 bits.
//
// Integers become halves by their last bits, 4 at a time: 128 or 1024 more than they are, which is taken back with the sums of what
// they are multiplied with. Vectors lie in the order in which that gives the integers of a word.
//
// Stands behind types.cu.

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

/// Products of two halves of both words.
template <typename T> __device__ __forceinline__ unsigned multiply_both(unsigned a, unsigned b);
template <> __device__ __forceinline__ unsigned multiply_both<bf16>(unsigned a, unsigned b) {
  unsigned y;
  asm("fma.rn.bf16x2 %0, %1, %2, %3;" : "=r"(y) : "r"(a), "r"(b), "r"(0x80008000u));
  return y;
}
template <> __device__ __forceinline__ unsigned multiply_both<f16>(unsigned a, unsigned b) {
  unsigned y;
  asm("mul.rn.f16x2 %0, %1, %2;" : "=r"(y) : "r"(a), "r"(b));
  return y;
}
#endif

/// Two halves whose last bit is worth 1, and their value; how many bits a half's fraction has, and two of the power that is to a
/// half's least exponent as 1 is to that of a float of 4 bits; and what products of two halves are divided by to be halves.
template <typename T> struct Magic;
template <> struct Magic<bf16> {
  static constexpr unsigned base = 0x43004300u, power = 0x7E807E80u;
  static constexpr float value = 128.f, room = 1.f;
  static constexpr int fraction = 7;
};
template <> struct Magic<f16> {
  static constexpr unsigned base = 0x64006400u, power = 0x74007400u;
  static constexpr float value = 1024.f, room = 16.f;
  static constexpr int fraction = 10;
};

/// Bits `4 s` to `4 s + 3` of both halves of a word.
template <typename T> __device__ __forceinline__ unsigned two(unsigned word, int s) {
  return ((word >> (4 * s)) & 0x000F000Fu) | Magic<T>::base;
}

/// Shifts to the left, or to the right by less than nothing.
__device__ __forceinline__ unsigned shifted(unsigned word, int by) { return by >= 0 ? word << by : word >> -by; }

/// The floats of 4 bits there: a sign, two bits of an exponent whose 1 is worth 1, and one of the fraction.
template <typename T> __device__ __forceinline__ unsigned two_floats(unsigned word, int s) {
  constexpr unsigned both = 0x00010001u;
  constexpr int at = Magic<T>::fraction - 1;
  const unsigned size = shifted(word, at - 4 * s) & (7u << at) * both, sign = shifted(word, 12 - 4 * s) & 0x8000u * both;
  return multiply_both<T>(size | sign, Magic<T>::power);
}

/// Eight elements in the order of the integers of so many bits in a word, or of halves.
template <int Bits, typename T> __device__ __forceinline__ uint4 in_order(const Chunk<T>& chunk) {
  unsigned e[8];
#pragma unroll
  for (int j = 0; j < 8; ++j) e[j] = chunk.e[j].bits;
  if constexpr (Bits == 4) return {e[0] | e[4] << 16, e[1] | e[5] << 16, e[2] | e[6] << 16, e[3] | e[7] << 16};
  if constexpr (Bits == 8) return {e[0] | e[2] << 16, e[1] | e[3] << 16, e[4] | e[6] << 16, e[5] | e[7] << 16};
  return {e[0] | e[1] << 16, e[2] | e[3] << 16, e[4] | e[5] << 16, e[6] | e[7] << 16};
}

/// What the tensor cores take of chunk `j` of two rows, of which a lane has these words: its half `i`, of integers of 8 bits the
/// lower (`p` is 0) or upper 4.
template <typename T, int Bits, bool Floats, int count>
__device__ __forceinline__ void operands(unsigned (&a)[4], const unsigned (&low)[count], const unsigned (&high)[count], int j,
                                         int i, int p) {
  if constexpr (Bits == 16) {
    const int word = 4 * j + 2 * i;
    a[0] = low[word], a[1] = high[word], a[2] = low[word + 1], a[3] = high[word + 1];
  } else if constexpr (Floats) {
    a[0] = two_floats<T>(low[j], 2 * i), a[1] = two_floats<T>(high[j], 2 * i);
    a[2] = two_floats<T>(low[j], 2 * i + 1), a[3] = two_floats<T>(high[j], 2 * i + 1);
  } else {
    // Of 8 bits each word has what two of the four numbers of a vector's chunk go with, of 4 bits all.
    const int word = Bits == 4 ? j : 2 * j + i, s = Bits == 4 ? 2 * i : p, next = Bits == 4 ? s + 1 : s + 2;
    a[0] = two<T>(low[word], s), a[1] = two<T>(high[word], s), a[2] = two<T>(low[word], next), a[3] = two<T>(high[word], next);
  }
}

/// Adds the products of chunk `j` of two rows, of which a lane has these words, with `with`; of integers of 8 bits those of their
/// lower and upper 4.
template <typename T, int Bits, bool Floats, int parts, int count>
__device__ __forceinline__ void multiply_chunk(float (&products)[parts][4], const unsigned (&low)[count],
                                               const unsigned (&high)[count], int j, uint4 with) {
  const unsigned b[4] = {with.x, with.y, with.z, with.w};
#pragma unroll
  for (int i = 0; i < 2; ++i) {
#pragma unroll
    for (int p = 0; p < parts; ++p) {
      unsigned a[4];
      operands<T, Bits, Floats>(a, low, high, j, i, p);
      multiply<T>(products[p], a, b[2 * i], b[2 * i + 1]);
    }
  }
}

/// A sum of products with integers that were more than they are, of which `sum` is what they were multiplied with.
template <typename T, int Bits, int parts>
__device__ __forceinline__ float exact(const float (&products)[parts][4], int i, float sum) {
  // What has been added to each number, in units of the last bit.
  constexpr float extra = Bits == 4 ? Magic<T>::value : 17.f * Magic<T>::value;
  const float value = Bits == 4 ? products[0][i] : fmaf(16.f, products[parts - 1][i], products[0][i]);
  return fmaf(-extra, sum, value);
}
