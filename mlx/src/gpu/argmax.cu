// The index of the greatest element of each row, the first of equal ones.
//
// Stands behind types.cu.

using Key = unsigned long long;

/// A number that is the greater the greater `x` is, and of equal ones the smaller `i` is. What is no number counts least.
__device__ __forceinline__ Key key_of(float x, unsigned i) {
  // Zeros are equal.
  const unsigned bits = __float_as_uint(x + 0.f), ordered = bits & 0x80000000u ? ~bits : bits | 0x80000000u;
  return static_cast<Key>(x == x ? ordered : 0u) << 32 | ~i;
}

__device__ __forceinline__ Key greatest_of_warp(Key key) {
  for (int o = 16; o; o >>= 1) key = max(key, __shfl_xor_sync(~0u, key, o));
  return key;
}

/// The greatest key of each part of a row of `columns` elements, a multiple of 16 bytes; a block has one.
template <typename T> __device__ __forceinline__ void argmax_of_parts(const T* x, Key* keys, int columns, int parts) {
  constexpr int n = Chunk<T>::size;
  const int row = blockIdx.x / parts, part = blockIdx.x % parts;
  const auto* from = reinterpret_cast<const Chunk<T>*>(x + static_cast<size_t>(row) * columns);
  let_next_start();
  wait_for_previous();
  Key best = 0;
  for (int c = part * blockDim.x + threadIdx.x; c < columns / n; c += parts * blockDim.x) {
    const Chunk<T> chunk = from[c];
#pragma unroll
    for (int j = 0; j < n; ++j) best = max(best, key_of(to_float(chunk.e[j]), c * n + j));
  }
  best = greatest_of_warp(best);
  __shared__ Key of_warps[32];
  if ((threadIdx.x & 31) == 0) of_warps[threadIdx.x >> 5] = best;
  __syncthreads();
  if (threadIdx.x >= 32) return;
  best = greatest_of_warp(threadIdx.x < blockDim.x >> 5 ? of_warps[threadIdx.x] : Key{0});
  if (threadIdx.x == 0) keys[blockIdx.x] = best;
}

/// The index of the greatest of the keys of each row; a warp has one.
__device__ __forceinline__ void argmax_of_keys(const Key* keys, unsigned* y, int parts) {
  let_next_start();
  wait_for_previous();
  Key best = 0;
  for (int i = threadIdx.x; i < parts; i += 32) best = max(best, keys[blockIdx.x * parts + i]);
  best = greatest_of_warp(best);
  if (threadIdx.x == 0) y[blockIdx.x] = ~static_cast<unsigned>(best);
}
