// Memory for arrays, from an allocator that does not say when there is none.
#pragma once

#include <cstdlib>

#include "convert.h"

namespace mlx_capi {

/// The number of bytes of a shape, which must not overflow.
inline size_t bytes_of(const mx::Shape& shape, mx::Dtype dtype) {
  uint64_t bytes = dtype.size();
  for (auto n : shape) {
    if (n < 0) throw std::invalid_argument("a size of the shape is negative");
    if (__builtin_mul_overflow(bytes, static_cast<uint64_t>(n), &bytes) || bytes > PTRDIFF_MAX) {
      throw std::invalid_argument("the shape has more bytes than can be addressed");
    }
  }
  return bytes;
}

/// Memory that is not worth asking for.
constexpr size_t always_there = size_t{1} << 28;

/// Whether malloc gives so much memory now.
inline bool malloc_gives(size_t bytes) {
  if (bytes <= always_there) return true;
  void* volatile probe = std::malloc(bytes);  // Volatile, or the compiler assumes success.
  const bool given = probe;
  std::free(probe);
  return given;
}

/// Throws when the system has no such amount of memory. MLX's CPU allocator does not: it hands out null and
/// counts it as used, after which evaluations wait for memory that nobody will free.
inline void require_memory(size_t bytes) {
  if (!malloc_gives(bytes)) throw std::bad_alloc();
}

/// Gives an array memory of its own, dense and in row-major order.
inline void allocate(array& a) {
  const size_t bytes = a.nbytes();
  require_memory(bytes);
  auto memory = mx::allocator::malloc(bytes);
  if (bytes > 0 && !memory.buffer().ptr()) throw std::bad_alloc();
  a.set_data(std::move(memory));
}

}  // namespace mlx_capi
