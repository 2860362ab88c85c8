// What the kernels say in a GPU's own instructions, on a CPU.
#pragma once

inline float to_float(f16 x) {
  _Float16 y;
  std::memcpy(&y, &x, sizeof y);
  return y;
}

template <> inline f16 rounded<f16>(float x) {
  const _Float16 y = static_cast<_Float16>(x);
  f16 bits;
  std::memcpy(&bits, &y, sizeof bits);
  return bits;
}

template <> inline bf16 rounded<bf16>(float x) {
  unsigned bits;
  std::memcpy(&bits, &x, sizeof bits);
  return {static_cast<unsigned short>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16)};
}

template <typename T> unsigned multiply_both(unsigned a, unsigned b) {
  auto half_of = [](unsigned word, int i) { return to_float(T{static_cast<unsigned short>(word >> (16 * i))}); };
  auto product = [&](int i) { return unsigned(rounded<T>(half_of(a, i) * half_of(b, i)).bits) << (16 * i); };
  return product(0) | product(1);
}

inline unsigned char* dynamic_memory() {
  alignas(16) static unsigned char memory[1 << 18];
  return memory;
}

inline void let_next_start() {}
inline void wait_for_previous() {}
inline void bring_near(const void*) {}

template <int Bytes> void copy_async(void* to, const void* from) { std::memcpy(to, from, Bytes); }
inline void end_of_copies() {}
template <int Ends> void wait_for_copies() { __syncwarp(); }

/// `c += a b` as the tensor cores do it for 16x16 and 16x8 halves that lie with the lanes of a warp as PTX says of
/// `mma.m16n8k16`.
template <typename T> void multiply(float (&c)[4], const unsigned (&a)[4], unsigned b0, unsigned b1) {
  static unsigned all_a[most_warps][32][4], all_b[most_warps][32][2];
  const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
  std::memcpy(all_a[warp][lane], a, sizeof a);
  all_b[warp][lane][0] = b0, all_b[warp][lane][1] = b1;
  __syncwarp();
  auto half_of = [](unsigned word, int i) { return to_float(T{static_cast<unsigned short>(word >> (16 * i))}); };
  for (int i = 0; i < 4; ++i) {
    const int row = lane / 4 + i / 2 * 8, column = lane % 4 * 2 + i % 2;
    double sum = c[i];
    for (int k = 0; k < 16; ++k) {
      const int with = k % 8 / 2, upper = k / 8;
      sum += double(half_of(all_a[warp][row % 8 * 4 + with][row / 8 + 2 * upper], k % 2)) *
             half_of(all_b[warp][column * 4 + with][upper], k % 2);
    }
    c[i] = static_cast<float>(sum);
  }
  __syncwarp();
}
