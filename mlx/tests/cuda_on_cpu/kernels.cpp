// The kernels of mlx for CUDA, run on a CPU, beside sums in double precision.

#include <cstdint>
#include <cstdio>
#include <random>

#include "gpu.h"
#include "types.cu"
#include "mma.cu"
#include "qmv.cu"
#include "qmm_one.cu"
#include "qmm_several.cu"
#include "qmm.cu"
#include "attend.cu"
#include "argmax.cu"

namespace {

bool failed = false;

void expect(double off, double most, const char* what, int a, int b, int c) {
  if (off <= most) return;  // Not a number is not.
  failed = true;
  std::printf("%s %d %d %d: off by %g\n", what, a, b, c, off);
}

std::mt19937 source(7);

template <typename T> std::vector<T> random(size_t count, float size) {
  std::uniform_real_distribution<float> numbers(-size, size);
  std::vector<T> list(count);
  for (T& x : list) x = rounded<T>(numbers(source));
  return list;
}

template <typename T> constexpr double tolerance = sizeof(T) == 4 ? 5e-4 : 1.5e-2;

struct Options {
  bool norm = false, swiglu = false, residual = false;
  /// Whether products are those of halves, and of floats of 4 bits.
  bool halves = false, floats = false;
  /// The most that an element of a vector is.
  float most = 1;
};

/// A product with a matrix, what it should be, and how far that is from what a kernel gave.
template <typename T, int Bits, int Group, int M> struct Product {
  static constexpr bool is_quantized = Bits <= 8;
  Options options;
  int rows, columns, outputs;
  std::vector<T> x = random<T>(static_cast<size_t>(M) * columns, options.most), norm = random<T>(columns, 4);
  std::vector<T> scales = random<T>(rows * columns / Group, 1.f / (1 << Bits % 16));
  std::vector<T> biases = random<T>(rows * columns / Group, 1);
  std::vector<uint8_t> exponents = std::vector<uint8_t>(rows * columns / Group);
  std::vector<T> residual = random<T>(static_cast<size_t>(M) * outputs, 1), plain = random<T>(rows * columns, 1);
  std::vector<T> y = std::vector<T>(static_cast<size_t>(M) * outputs, rounded<T>(NAN));
  std::vector<uint4> words = std::vector<uint4>(static_cast<size_t>(rows) * columns * Bits / 128);

  Product(Options o, int rows, int columns)
      : options(o), rows(rows), columns(columns), outputs(o.swiglu ? rows / 2 : rows) {
    for (uint8_t& e : exponents) e = 122 + source() % 4;
    auto* to = reinterpret_cast<uint32_t*>(words.data());
    if (is_quantized) std::generate(to, to + words.size() * 4, std::ref(source));
    if (!is_quantized) std::memcpy(to, plain.data(), words.size() * sizeof(uint4));
  }

  double weight(int row, int column) const {
    const size_t i = static_cast<size_t>(row) * columns + column;
    if (!is_quantized) return to_float(plain[i]);
    const auto* from = reinterpret_cast<const uint32_t*>(words.data());
    const unsigned n = from[i * Bits / 32] >> (i * Bits % 32) & ((uint64_t{1} << Bits) - 1);
    if (options.floats) {
      constexpr double sizes[] = {0, 0.5, 1, 1.5, 2, 3, 4, 6};
      return std::ldexp(n & 8 ? -sizes[n & 7] : sizes[n & 7], exponents[i / Group] - 127);
    }
    return n * double(to_float(scales[i / Group])) + to_float(biases[i / Group]);
  }

  double off() const {
    double worst = 0;
    for (int m = 0; m < M; ++m) {
      std::vector<double> v(columns), products(rows);
      double squares = 0;
      for (int k = 0; k < columns; ++k) v[k] = to_float(x[m * columns + k]), squares += v[k] * v[k];
      const float scale = 1 / std::sqrt(squares / columns + 1e-5);
      for (int k = 0; k < columns && options.norm; ++k) {
        v[k] *= to_float(norm[k]);
        v[k] = scale * (options.halves ? 16.0 * to_float(rounded<T>(v[k] / 16)) : v[k]);
      }
      for (int r = 0; r < rows; ++r) {
        for (int k = 0; k < columns; ++k) products[r] += v[k] * weight(r, k);
      }
      for (int n = 0; n < outputs; ++n) {
        double expected = products[n];
        if (options.swiglu) expected *= products[outputs + n] / (1 + std::exp(-products[n]));
        if (options.residual) expected += to_float(residual[m * outputs + n]);
        const double off = std::abs(expected - to_float(y[m * outputs + n])) / (1 + std::abs(expected));
        worst = off <= worst ? worst : off;
      }
    }
    return worst;
  }
};

template <typename T, int Bits, int Group, int M, int R, bool Norm, bool SwiGlu, bool Residual>
void on_lanes(int rows, int columns) {
  Product<T, Bits, Group, M> p({Norm, SwiGlu, Residual}, rows, columns);
  launch(2, 256, [&p] {
    qmv<T, Bits, Group, M, R, Norm, SwiGlu, Residual>(p.x.data(), p.words.data(), p.scales.data(), p.biases.data(),
                                                      p.norm.data(), p.residual.data(), p.y.data(), p.rows, p.columns,
                                                      1e-5f);
  });
  expect(p.off(), tolerance<T>, "qmv", Bits, rows, columns);
}

template <typename T, int Bits, int Group, int M, bool Norm, bool SwiGlu, bool Residual>
void on_tensor_cores(int rows, int columns, int at_once, float most = 1) {
  Product<T, Bits, Group, M> p({Norm, SwiGlu, Residual, true, false, most}, rows, columns);
  launch(2, 256, [&p, at_once] {
    qmm<T, Bits, false, Group, M, 3, Norm, SwiGlu, Residual>(
        p.x.data(), p.words.data(), p.scales.data(), p.biases.data(), p.norm.data(), p.residual.data(), p.y.data(),
        p.rows, p.columns, at_once, 1e-5f);
  });
  expect(p.off(), tolerance<T>, "qmm", Bits, rows, columns);
}

template <typename T, int M, bool Norm, bool SwiGlu, bool Residual> void of_floats(int rows, int columns) {
  Product<T, 4, 32, M> p({Norm, SwiGlu, Residual, true, true}, rows, columns);
  launch(2, 256, [&p] {
    qmm<T, 4, true, 32, M, 2, Norm, SwiGlu, Residual>(p.x.data(), p.words.data(), p.exponents.data(), nullptr,
                                                      p.norm.data(), p.residual.data(), p.y.data(), p.rows, p.columns,
                                                      p.columns, 1e-5f);
  });
  expect(p.off(), tolerance<T>, "qmm of floats", 4, rows, columns);
}

void products() {
  for (int columns : {64, 1600}) {
    on_lanes<float, 4, 64, 1, 1, true, false, false>(137, columns);
    on_lanes<float, 8, 32, 1, 2, false, false, true>(35, columns);
    on_lanes<bf16, 4, 64, 1, 1, true, true, false>(140, columns);
    on_lanes<f16, 8, 64, 3, 2, true, false, true>(50, columns);
    on_lanes<float, 32, 1, 2, 2, false, false, true>(37, columns);
    on_lanes<bf16, 16, 1, 1, 1, true, true, false>(40, columns);
  }
  for (int columns : {256, 2304}) {
    on_tensor_cores<bf16, 4, 64, 1, true, true, false>(88, columns, columns);
    on_tensor_cores<f16, 4, 32, 1, false, false, true>(77, columns, columns);
    on_tensor_cores<bf16, 4, 128, 1, true, false, false>(37, columns, columns);
    on_tensor_cores<bf16, 8, 64, 1, false, false, true>(50, columns + 128, columns + 128);
    on_tensor_cores<f16, 8, 32, 1, true, true, false>(24, columns + 384, columns + 384, 6e4);
    on_tensor_cores<bf16, 16, 1, 1, true, true, false>(40, columns + 64, columns + 64);
    of_floats<bf16, 1, true, true, false>(72, columns);
    of_floats<f16, 1, false, false, true>(50, columns);
    of_floats<bf16, 3, true, false, true>(50, columns);
    of_floats<f16, 8, false, true, false>(40, columns);
    on_tensor_cores<bf16, 4, 64, 2, true, true, false>(72, columns, columns);
    on_tensor_cores<f16, 4, 32, 5, true, false, false>(40, columns, columns, 6e4);
    on_tensor_cores<bf16, 8, 32, 2, false, true, false>(24, columns + 128, columns + 128);
    on_tensor_cores<f16, 4, 128, 3, false, false, true>(77, columns, std::min(columns, 2048));
    on_tensor_cores<bf16, 8, 64, 8, false, false, true>(37, columns, std::min(columns, 1024));
    on_tensor_cores<f16, 8, 64, 5, false, true, false>(40, columns + 128, columns + 128);
    on_tensor_cores<bf16, 8, 64, 8, true, false, false>(24, columns, columns);
    on_tensor_cores<f16, 16, 1, 4, false, false, true>(50, columns, std::min(columns, 512));
  }
}

/// A step of decoding of two sequences with two heads of keys.
template <typename T, int D, int G> struct Decoding {
  static constexpr int count = 2, kv_heads = 2, heads = kv_heads * G, width = (heads + 2 * kv_heads) * D;
  int dims;
  bool traditional, has_freqs;
  int splits;
  /// For each sequence the first row that is read and the one that is written.
  int places[2 * count];
  int positions[count] = {37, 123}, capacities[count] = {64, 128};
  std::vector<T> x = random<T>(count * width, 1), keys[count], values[count], y = std::vector<T>(count * heads * D);
  std::vector<float> freqs = random<float>(D / 2, 5);
  float scale = 0.125f, rope_scale = 0.5f, log2_base = std::log2(10000.f);

  void run() {
    for (float& f : freqs) f = 1 + std::abs(f);
    for (int i = 0; i < count; ++i) {
      keys[i] = random<T>(kv_heads * capacities[i] * D, 1), values[i] = random<T>(kv_heads * capacities[i] * D, 1);
    }
    const auto before = std::pair(keys[0], values[1]);
    std::vector<float> parts(count * heads * splits * (D + 2), NAN);
    T *of_keys[] = {keys[0].data(), keys[1].data()}, *of_values[] = {values[0].data(), values[1].data()};
    launch(count * kv_heads * splits, 256, [&] {
      const T* from = x.data();
      const Rotation rotation{positions, positions, has_freqs ? freqs.data() : nullptr, dims, rope_scale, log2_base, true,
                              traditional};
      append_and_attend<T, D, G>({from, width}, {from + heads * D, width}, {from + (heads + kv_heads) * D, width}, places,
                                 of_keys, of_values, capacities, kv_heads, parts.data(), splits, scale, rotation);
    });
    launch(count * heads, D, [&] { merge_parts<T, D>(parts.data(), y.data(), splits); });
    check();
    // Other rows stay as they were.
    const int row = places[1] * D;
    std::copy_n(before.first.begin() + row, D, keys[0].begin() + row);
    expect(std::memcmp(keys[0].data(), before.first.data(), capacities[0] * D * sizeof(T)), 0, "keys", D, G, splits);
  }

  std::vector<double> rotated(const T* from, int sequence) const {
    std::vector<double> v(D);
    for (int i = 0; i < D; ++i) v[i] = to_float(from[i]);
    for (int j = 0; j < dims / 2; ++j) {
      const double angle = rope_scale * positions[sequence] *
                           (has_freqs ? 1 / freqs[j] : std::pow(10000., -double(j) / (dims / 2)));
      const int a = traditional ? 2 * j : j, b = traditional ? 2 * j + 1 : j + dims / 2;
      const double s = std::sin(angle), c = std::cos(angle), first = v[a], second = v[b];
      v[a] = first * c - second * s, v[b] = first * s + second * c;
    }
    return v;
  }

  void check() const {
    double off = 0;
    auto compare = [&](double a, double b) { off = std::abs(a - b) <= off ? off : std::abs(a - b); };
    for (int i = 0; i < count; ++i) {
      for (int head = 0; head < heads; ++head) {
        const int kv = head / G, from = places[2 * i], at = places[2 * i + 1];
        const T *k = &keys[i][kv * capacities[i] * D], *v = &values[i][kv * capacities[i] * D];
        const std::vector<double> q = rotated(&x[i * width + head * D], i);
        const std::vector<double> key = rotated(&x[i * width + (heads + kv) * D], i);
        for (int d = 0; d < D; ++d) {
          compare(key[d], to_float(k[at * D + d]));
          compare(to_float(x[i * width + (heads + kv_heads + kv) * D + d]), to_float(v[at * D + d]));
        }
        std::vector<double> sums(D);
        double total = 0;
        for (int row = from; row <= at; ++row) {
          double score = 0;
          for (int d = 0; d < D; ++d) score += q[d] * to_float(k[row * D + d]);
          const double weight = std::exp(score * scale);
          total += weight;
          for (int d = 0; d < D; ++d) sums[d] += weight * to_float(v[row * D + d]);
        }
        for (int d = 0; d < D; ++d) compare(sums[d] / total, to_float(y[(i * heads + head) * D + d]));
      }
    }
    expect(off, tolerance<T>, "append_and_attend", D, places[1], splits);
  }
};

void attention() {
  Decoding<float, 64, 3>{64, false, false, 2, {0, 37, 5, 100}}.run();
  Decoding<float, 64, 3>{64, true, true, 2, {0, 37, 5, 100}}.run();
  Decoding<bf16, 64, 3>{32, false, false, 3, {0, 37, 5, 100}}.run();
  Decoding<f16, 128, 2>{0, false, false, 2, {0, 0, 5, 127}}.run();
  // Fewer keys than blocks.
  Decoding<float, 64, 3>{64, false, false, 4, {0, 1, 100, 100}}.run();
  Decoding<float, 64, 3>{64, false, false, 4, {0, 9, 88, 90}}.run();
}

/// The index of the greatest element of each of some rows, which have the same elements but for a few.
template <typename T> void greatest(int columns, int parts) {
  const std::vector<float> last[] = {{}, {2}, {2, 2}, {-0.f, 0.f}, {NAN}, {INFINITY, NAN, INFINITY}};
  constexpr int rows = std::size(last);
  std::vector<T> x = random<T>(rows * columns, 1);
  for (int row = 0; row < rows; ++row) {
    T* of_row = &x[row * columns];
    if (last[row].size() == 2 && last[row][0] == 0) std::fill_n(of_row, columns, rounded<T>(-1));
    for (float f : last[row]) of_row[source() % columns] = rounded<T>(f);
  }
  std::vector<Key> keys(rows * parts);
  std::vector<unsigned> y(rows);
  launch(rows * parts, 256, [&] { argmax_of_parts(x.data(), keys.data(), columns, parts); });
  launch(rows, 32, [&] { argmax_of_keys(keys.data(), y.data(), parts); });
  for (int row = 0; row < rows; ++row) {
    const T* of_row = &x[row * columns];
    int best = 0;
    for (int i = 1; i < columns; ++i) {
      if (!(to_float(of_row[best]) == to_float(of_row[best])) || to_float(of_row[i]) > to_float(of_row[best])) best = i;
    }
    expect(std::abs(static_cast<int>(y[row]) - best), 0, "argmax", columns, parts, row);
  }
}

}  // namespace

int main() {
  products();
  attention();
  greatest<float>(4096, 3);
  greatest<bf16>(24, 1);
  greatest<f16>(8200, 40);
  return failed;
}
