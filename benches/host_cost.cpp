// What a C++ program does where the Rust benchmark does the same through the wrapper.
#include "mlx/mlx.h"

namespace mx = mlx::core;

extern "C" {

/// A one-element array of ones, and its end.
void* bench_one() { return new mx::array(mx::array({1.0f, 1.0f})); }
void bench_drop(void* array) { delete static_cast<mx::array*>(array); }

/// Records `count` additions, each of the one before, and drops the graph.
void bench_add(const void* array, int count) {
  const auto& one = *static_cast<const mx::array*>(array);
  mx::array sum = one;
  for (int i = 0; i < count; ++i) sum = sum + one;
}

/// The same on a stream that is named, as the wrapper's C API does.
void bench_add_on(const void* array, int count) {
  const auto& one = *static_cast<const mx::array*>(array);
  auto stream = mx::default_stream(mx::default_device());
  mx::array sum = one;
  for (int i = 0; i < count; ++i) sum = mx::add(sum, one, stream);
}

/// Clones and drops `count` times.
void bench_clone(const void* array, int count) {
  const auto& one = *static_cast<const mx::array*>(array);
  for (int i = 0; i < count; ++i) {
    mx::array copy = one;
    asm volatile("" : : "g"(&copy) : "memory");
  }
}
}
