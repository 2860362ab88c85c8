// Attention from one query per head over the keys and values in a buffer that is longer than what has been written.
//
// A block takes a part of the keys, and all query heads that share them. A key lies with D / 8 lanes, eight elements each;
// the lanes keep the running maximum, sum and weighted values of their own keys (online softmax), and the block puts them
// together at the end. Parts are merged by a second kernel.
//
// Stands behind types.cu.

#define INFINITY_F __int_as_float(0x7F800000)

/// Eight elements of a vector, as they lie in memory.
template <typename T> struct Eight {
  static constexpr int n = Chunk<T>::size;
  Chunk<T> chunks[8 / n];

  __device__ __forceinline__ void load(const T* from) {
#pragma unroll
    for (int i = 0; i < 8 / n; ++i) chunks[i] = reinterpret_cast<const Chunk<T>*>(from)[i];
  }
  __device__ __forceinline__ float operator[](int j) const { return to_float(chunks[j / n].e[j % n]); }
};

/// The state of a softmax over some keys, with eight elements of the weighted values.
struct Running {
  float most = -INFINITY_F, sum = 0.f, values[8] = {};

  /// Adds keys with these scores; minus infinity says that there is none.
  template <typename V, int N> __device__ __forceinline__ void add(const float (&scores)[N], const V (&v)[N]) {
    float now = most;
#pragma unroll
    for (int u = 0; u < N; ++u) now = fmaxf(now, scores[u]);
    if (now == -INFINITY_F) return;
    const float keep = __expf(most - now);
    most = now;
    sum *= keep;
#pragma unroll
    for (int j = 0; j < 8; ++j) values[j] *= keep;
#pragma unroll
    for (int u = 0; u < N; ++u) {
      const float p = __expf(scores[u] - now);
      sum += p;
#pragma unroll
      for (int j = 0; j < 8; ++j) values[j] = fmaf(p, v[u][j], values[j]);
    }
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

/// Attention of `G` heads that share keys and values to those from `from` to `to`, by a block.
template <typename T, int D, int G> struct Part {
  static constexpr int lanes = D / 8, at_once = 32 / lanes, warps = 8;
  /// So many keys of a lane are on their way at once.
  static constexpr int count = 2, stride = warps * at_once * count;

  const T *keys, *values;
  int first, to;
  Eight<T> k[count], v[count];

  /// Asks for the first ones.
  __device__ __forceinline__ Part(const T* all_keys, const T* all_values, int from, int to) : to(to) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5;
    keys = all_keys + lane % lanes * 8;
    values = all_values + lane % lanes * 8;
    first = from + warp * at_once * count + lane / lanes;
    if (to > 0) load();
  }

  /// The row of the lane's key number `u`; where there is none, the last one stands for it.
  __device__ __forceinline__ int row(int u) const { return min(first + u * at_once, to - 1); }

  /// Asks for those from `first` on.
  __device__ __forceinline__ void load() {
#pragma unroll
    for (int u = 0; u < count; ++u) {
      k[u].load(keys + static_cast<size_t>(row(u)) * D);
      v[u].load(values + static_cast<size_t>(row(u)) * D);
    }
  }

  template <typename V> static __device__ __forceinline__ float score(const float (&query)[8], const V& key) {
    float sum = 0.f;
#pragma unroll
    for (int j = 0; j < 8; ++j) sum = fmaf(query[j], key[j], sum);
#pragma unroll
    for (int o = lanes / 2; o; o >>= 1) sum += __shfl_xor_sync(~0u, sum, o);
    return sum;
  }

  /// Gives each head `D + 2` numbers of `parts`: the weighted values, the maximum and the sum. Row `newest`, if it is one of
  /// these, is not yet in memory, but its key and value are `fresh`.
  __device__ __forceinline__ void attend(const float (&queries)[G][D], const T (*fresh)[D], int newest, float* parts,
                                         int splits) {
    const int lane = threadIdx.x & 31, part = lane % lanes;
    float query[G][8];
#pragma unroll
    for (int g = 0; g < G; ++g) {
#pragma unroll
      for (int j = 0; j < 8; ++j) query[g][j] = queries[g][part * 8 + j];
    }
    Running running[G];
    // All lanes of a warp go round as often, since they exchange sums.
#pragma unroll 1
    while (first - lane / lanes < to) {
      float scores[G][count];
#pragma unroll
      for (int u = 0; u < count; ++u) {
        if (row(u) == newest) {
          k[u].load(&fresh[0][part * 8]);
          v[u].load(&fresh[1][part * 8]);
        }
#pragma unroll
        for (int g = 0; g < G; ++g) {
          const float s = score(query[g], k[u]);
          scores[g][u] = first + u * at_once < to ? s : -INFINITY_F;
        }
      }
#pragma unroll
      for (int g = 0; g < G; ++g) running[g].add(scores[g], v);
      first += stride;
      if (first - lane / lanes < to) load();
    }
    put_together(running, parts, splits);
  }

  static __device__ __forceinline__ void put_together(Running (&running)[G], float* parts, int splits) {
    const int lane = threadIdx.x & 31, warp = threadIdx.x >> 5, part = lane % lanes;
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
#pragma unroll 1
    for (int i = threadIdx.x; i < G * D; i += blockDim.x) {
      const int g = i / D, d = i % D;
      float most = -INFINITY_F, sum = 0.f, value = 0.f;
#pragma unroll
      for (int w = 0; w < warps; ++w) most = fmaxf(most, shared[w][g][D]);
#pragma unroll
      for (int w = 0; w < warps; ++w) {
        const float weight = most > -INFINITY_F ? __expf(shared[w][g][D] - most) : 0.f;
        sum += shared[w][g][D + 1] * weight;
        value += shared[w][g][d] * weight;
      }
      float* out = parts + static_cast<size_t>(g) * splits * (D + 2);
      out[d] = value;
      if (d == 0) out[D] = most, out[D + 1] = sum;
    }
  }
};

/// The most parts of the keys.
constexpr int most_splits = 64;

/// `q` `[batch · kv heads, G, D]`, `keys` and `values` `[batch · kv heads, capacity, D]`, of which `*length` are used.
template <typename T, int D, int G>
__device__ __forceinline__ void attend(const T* q, const T* keys, const T* values, const unsigned* length, float* parts,
                                       int capacity, int splits, float scale) {
  const int head = blockIdx.x / splits, split = blockIdx.x % splits;
  const int count = *length, each = (count + splits - 1) / splits, from = split * each;
  const size_t base = static_cast<size_t>(head) * capacity * D;
  Part<T, D, G> part(keys + base, values + base, from, min(count, from + each));
  __shared__ float queries[G][D];
  for (int i = threadIdx.x; i < G * D; i += blockDim.x) {
    queries[i / D][i % D] = to_float(q[static_cast<size_t>(head) * G * D + i]) * scale;
  }
  __syncthreads();
  constexpr T(*nothing)[D] = nullptr;
  part.attend(queries, nothing, -1, parts + (static_cast<size_t>(head) * G * splits + split) * (D + 2), splits);
}

/// Rotary embedding of vectors at one position; of nothing if `dims` is 0.
struct Rotation {
  const int *of_queries, *of_keys;
  const float* freqs;
  int dims;
  float scale, log2_base;
  bool each, traditional;

  /// Cosines and sines of the angles of pairs, of queries and behind them of keys, for sequence `row`.
  __device__ __forceinline__ void angles(float2* table, int row) const {
    const int half = dims / 2;
#pragma unroll 1
    for (int i = threadIdx.x; i < dims; i += blockDim.x) {
      const int pair = i % half;
      const float position = scale * static_cast<float>((i < half ? of_queries : of_keys)[each ? row : 0]);
      const float frequency =
          freqs ? 1.f / freqs[pair] : exp2f(-(static_cast<float>(pair) / static_cast<float>(half)) * log2_base);
      sincosf(position * frequency, &table[i].y, &table[i].x);
    }
  }

  /// Element `i` of the rotated vector `x`.
  template <typename T> __device__ __forceinline__ T of(const T* x, const float2* table, int i) const {
    if (i >= dims) return x[i];
    const int half = dims / 2, pair = traditional ? i / 2 : i % half;
    const bool is_first = traditional ? i % 2 == 0 : i < half;
    const float a = to_float(x[traditional ? 2 * pair : pair]), b = to_float(x[traditional ? 2 * pair + 1 : pair + half]);
    const float2 t = table[pair];
    return rounded<T>(is_first ? a * t.x - b * t.y : a * t.y + b * t.x);
  }
};

/// Where the vectors of one token of each sequence lie.
template <typename T> struct Vectors {
  const T* data;
  int stride;
};

/// Rotates queries and keys of one token of each sequence, appends keys and values to those in its memory `[kv heads,
/// capacity, D]`, and attends to rows `places[2 · row]` to `places[2 · row + 1]`, which is where the new ones go.
template <typename T, int D, int G>
__device__ __forceinline__ void append_and_attend(Vectors<T> q, Vectors<T> k, Vectors<T> v, const int* places, T* const* keys,
                                                  T* const* values, const int* capacities, int kv_heads, float* parts,
                                                  int splits, float scale, Rotation rotation) {
  const int group = blockIdx.x / splits, split = blockIdx.x % splits, row = group / kv_heads, head = group % kv_heads;
  const int start = places[2 * row], at = places[2 * row + 1];
  const int each = (at - start + splits - 1) / splits, from = min(start + split * each, at);
  const size_t base = static_cast<size_t>(head) * capacities[row] * D;
  T *of_keys = keys[row] + base, *of_values = values[row] + base;
  let_next_start();
  // Those of the tokens before have long been there. One block a head has the new ones, behind its part of them.
  const bool has_newest = split == splits - 1;
  Part<T, D, G> part(of_keys, of_values, from, has_newest ? at + 1 : min(at, from + each));

  __shared__ float2 table[D];
  __shared__ float queries[G][D];
  alignas(16) __shared__ T fresh[2][D];
  rotation.angles(table, row);
  wait_for_previous();
  __syncthreads();
  const T *x = q.data + static_cast<size_t>(row) * q.stride + head * G * D, *key = k.data + static_cast<size_t>(row) * k.stride,
          *value = v.data + static_cast<size_t>(row) * v.stride;
#pragma unroll 1
  for (int i = threadIdx.x; has_newest && i < D; i += blockDim.x) {
    const T v_i = value[head * D + i];
    fresh[0][i] = rotation.of(key + head * D, table + rotation.dims / 2, i);
    fresh[1][i] = v_i;
    of_keys[static_cast<size_t>(at) * D + i] = fresh[0][i];
    of_values[static_cast<size_t>(at) * D + i] = v_i;
  }
#pragma unroll 2
  for (int i = threadIdx.x; i < G * D; i += blockDim.x) {
    queries[i / D][i % D] = to_float(rotation.of(x + i / D * D, table, i % D)) * scale;
  }
  __syncthreads();
  float* out = parts + (static_cast<size_t>(group) * G * splits + split) * (D + 2);
  part.attend(queries, fresh, has_newest ? at : -1, out, splits);
}

/// Merges the parts of each head, one block of `D` threads a head.
template <typename T, int D>
__device__ __forceinline__ void merge_parts(const float* parts, T* y, int splits) {
  constexpr int at_once = 8;
  let_next_start();
  wait_for_previous();
  __shared__ float weights[most_splits];
  const int lane = threadIdx.x & 31, stride = D + 2;
  const float *of_head = parts + static_cast<size_t>(blockIdx.x) * splits * stride, *own = of_head + threadIdx.x;
  // On their way while the weights are computed.
  float first[at_once];
#pragma unroll
  for (int s = 0; s < at_once; ++s) first[s] = own[min(s, splits - 1) * stride];
  if (threadIdx.x < 32) {
    float most[most_splits / 32], sum[most_splits / 32], all = -INFINITY_F, total = 0.f;
#pragma unroll
    for (int k = 0; k < most_splits / 32; ++k) {
      const int split = min(lane + 32 * k, splits - 1);
      most[k] = of_head[split * stride + D];
      sum[k] = of_head[split * stride + D + 1];
      if (lane + 32 * k >= splits) most[k] = -INFINITY_F;
      all = fmaxf(all, most[k]);
    }
    all = greatest_of_warp(all);
#pragma unroll
    for (int k = 0; k < most_splits / 32; ++k) total += (most[k] = __expf(most[k] - all)) * sum[k];
    total = sum_of_warp(total);
#pragma unroll
    for (int k = 0; k < most_splits / 32; ++k) weights[lane + 32 * k] = most[k] / total;
  }
  __syncthreads();
  float value = 0.f;
#pragma unroll
  for (int s = 0; s < at_once; ++s) value += s < splits ? weights[s] * first[s] : 0.f;
#pragma unroll 8
  for (int s = at_once; s < splits; ++s) value = fmaf(weights[s], own[s * stride], value);
  y[blockIdx.x * D + threadIdx.x] = rounded<T>(value);
}
