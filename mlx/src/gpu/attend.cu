// Attention from one query per head over the keys and values in a buffer that is longer than what has been written.
//
// A block takes a part of the keys, and all query heads that share them. A key lies with D / 8 lanes, eight elements each;
// the lanes keep the running maximum, sum and weighted values of their own keys (online softmax), and the block puts them
// together at the end. Parts are merged by a second kernel.
//
// Stands behind qmv.cu, whose types it uses.

#define INFINITY_F __int_as_float(0x7F800000)

template <typename T> struct Eight {
  float e[8];
  __device__ __forceinline__ explicit Eight(const T* from) {
    constexpr int n = Chunk<T>::size;
#pragma unroll
    for (int i = 0; i < 8 / n; ++i) {
      const Chunk<T> chunk = reinterpret_cast<const Chunk<T>*>(from)[i];
#pragma unroll
      for (int j = 0; j < n; ++j) e[i * n + j] = to_float(chunk.e[j]);
    }
  }
};

/// The state of a softmax over some keys, with eight elements of the weighted values.
struct Running {
  float most = -INFINITY_F, sum = 0.f, values[8] = {};

  __device__ __forceinline__ void add(float score, const float (&v)[8]) {
    const float now = fmaxf(most, score), keep = __expf(most - now), p = __expf(score - now);
    most = now;
    sum = sum * keep + p;
#pragma unroll
    for (int j = 0; j < 8; ++j) values[j] = values[j] * keep + p * v[j];
  }

  __device__ __forceinline__ void merge(const Running& other) {
    const float now = fmaxf(most, other.most);
    if (now == -INFINITY_F) return;
    const float keep = __expf(most - now), add = __expf(other.most - now);
    most = now;
    sum = sum * keep + other.sum * add;
#pragma unroll
    for (int j = 0; j < 8; ++j) values[j] = values[j] * keep + other.values[j] * add;
  }

  __device__ __forceinline__ Running across(int lanes) const {
    Running other;
    other.most = __shfl_xor_sync(~0u, most, lanes);
    other.sum = __shfl_xor_sync(~0u, sum, lanes);
#pragma unroll
    for (int j = 0; j < 8; ++j) other.values[j] = __shfl_xor_sync(~0u, values[j], lanes);
    return other;
  }
};

/// For each head `D + 2` numbers of `parts`: the weighted values, the maximum and the sum of this block's keys.
/// `q` `[batch · kv heads, G, D]`, `keys` and `values` `[batch · kv heads, capacity, D]`, of which `*length` are used.
template <typename T, int D, int G>
__device__ __forceinline__ void attend(const T* q, const T* keys, const T* values, const unsigned* length, float* parts,
                                       int capacity, int splits, float scale) {
  constexpr int lanes = D / 8, at_once = 32 / lanes, warps = 8;
  const int head = blockIdx.x / splits, split = blockIdx.x % splits;
  const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, part = lane % lanes;
  const int count = *length, each = (count + splits - 1) / splits;
  const int from = split * each, to = min(count, from + each);
  const size_t base = static_cast<size_t>(head) * capacity * D + part * 8;

  float query[G][8];
#pragma unroll
  for (int g = 0; g < G; ++g) {
    const Eight<T> x(q + (static_cast<size_t>(head) * G + g) * D + part * 8);
#pragma unroll
    for (int j = 0; j < 8; ++j) query[g][j] = x.e[j] * scale;
  }
  Running running[G];
  // All lanes of a warp go round as often, since they exchange sums.
  for (int first = from + warp * at_once; first < to; first += warps * at_once) {
    const int i = first + lane / lanes;
    const size_t place = base + static_cast<size_t>(min(i, to - 1)) * D;
    const Eight<T> k(keys + place), v(values + place);
#pragma unroll
    for (int g = 0; g < G; ++g) {
      float score = 0.f;
#pragma unroll
      for (int j = 0; j < 8; ++j) score = fmaf(query[g][j], k.e[j], score);
#pragma unroll
      for (int o = lanes / 2; o; o >>= 1) score += __shfl_xor_sync(~0u, score, o);
      if (i < to) running[g].add(score, v.e);
    }
  }

  __shared__ float shared[warps][G][D + 2];
#pragma unroll
  for (int g = 0; g < G; ++g) {
#pragma unroll
    for (int o = lanes; o < 32; o <<= 1) running[g].merge(running[g].across(o));
    if (lane < lanes) {
#pragma unroll
      for (int j = 0; j < 8; ++j) shared[warp][g][part * 8 + j] = running[g].values[j];
      if (lane == 0) shared[warp][g][D] = running[g].most, shared[warp][g][D + 1] = running[g].sum;
    }
  }
  __syncthreads();
  for (int i = threadIdx.x; i < G * D; i += blockDim.x) {
    const int g = i / D, d = i % D;
    float most = -INFINITY_F, sum = 0.f, value = 0.f;
    for (int w = 0; w < warps; ++w) most = fmaxf(most, shared[w][g][D]);
    for (int w = 0; w < warps && most > -INFINITY_F; ++w) {
      const float weight = __expf(shared[w][g][D] - most);
      sum += shared[w][g][D + 1] * weight;
      value += shared[w][g][d] * weight;
    }
    float* out = parts + ((static_cast<size_t>(head) * G + g) * splits + split) * (D + 2);
    out[d] = value;
    if (d == 0) out[D] = most, out[D + 1] = sum;
  }
}

/// Merges the parts of each head, one block of `D` threads a head.
template <typename T, int D>
__device__ __forceinline__ void merge_parts(const float* parts, T* y, int splits) {
  const float* of_head = parts + static_cast<size_t>(blockIdx.x) * splits * (D + 2);
  float most = -INFINITY_F, sum = 0.f, value = 0.f;
  for (int s = 0; s < splits; ++s) most = fmaxf(most, of_head[s * (D + 2) + D]);
  for (int s = 0; s < splits; ++s) {
    const float weight = __expf(of_head[s * (D + 2) + D] - most);
    sum += of_head[s * (D + 2) + D + 1] * weight;
    value += of_head[s * (D + 2) + threadIdx.x] * weight;
  }
  y[blockIdx.x * D + threadIdx.x] = rounded<T>(value / sum);
}
