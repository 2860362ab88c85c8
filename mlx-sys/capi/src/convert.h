// Between the types of C and those of MLX, and from exceptions to status codes.
#pragma once

#include <cstring>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mlx/mlx.h"
#include "mlx_capi/error.h"
#include "mlx_capi/types.h"

namespace mx = mlx::core;

namespace mlx_capi {

using mx::array;

// An `mlx_array` is an `array` by another name: one shared_ptr, which moves by memcpy in libstdc++ and
// libc++.
static_assert(sizeof(mlx_array) == sizeof(array) && sizeof(array) == 16);
static_assert(alignof(mlx_array) == alignof(array) && alignof(array) == 8);
// Shapes and strides are handed out as pointers.
static_assert(sizeof(mx::ShapeElem) == sizeof(int));
static_assert(sizeof(mx::Strides::value_type) == sizeof(int64_t));
// Enumerations are numbered alike on both sides.
static_assert(static_cast<int>(mx::Dtype::Val::float32) == 10 &&
              static_cast<int>(mx::Dtype::Val::complex64) == 13);
static_assert(static_cast<int>(mx::Device::gpu) == 1);

// Errors ------------------------------------------------------------------------------------------

/// What the callback that has just failed on this thread said, marked as being a callback's.
std::string callback_message();

/// Thrown through MLX when a callback has failed. MLX carries failures of CPU tasks to the thread that waits
/// as text, so what makes it a callback's failure is a mark in the text and not the type.
struct CallbackFailed : std::runtime_error {
  CallbackFailed() : std::runtime_error(callback_message()) {}
};

/// Thrown where memory would be refused.
struct OutOfMemory : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Records the exception being handled as this thread's message and gives its status.
int record_exception() noexcept;

/// Runs `body` and turns what it throws into a status.
template <typename Body>
int guard(Body&& body) noexcept {
  try {
    body();
    return MLX_OK;
  } catch (...) {
    return record_exception();
  }
}

// Arguments ---------------------------------------------------------------------------------------

/// The borrowed handle as a C++ array. The handle holds nothing but `void*`, which compilers let alias any
/// pointer.
inline const array& as_array(const mlx_array& a) {
  return *static_cast<const array*>(static_cast<const void*>(&a));
}

inline const array& get(const mlx_array& a) {
  if (!a.p[0]) throw std::invalid_argument("the null array was given for an argument that is not optional");
  return as_array(a);
}

inline std::optional<array> opt(const mlx_array& a) {
  return a.p[0] ? std::make_optional(as_array(a)) : std::nullopt;
}

inline std::vector<array> get(mlx_arrays arrays) {
  std::vector<array> list;
  list.reserve(arrays.size);
  for (size_t i = 0; i < arrays.size; ++i) list.push_back(get(arrays.data[i]));
  return list;
}

inline std::vector<int> as_ints(mlx_ints v) { return {v.data, v.data + v.size}; }
inline std::vector<int> as_ints(mlx_axes v) { return {v.data, v.data + v.size}; }
inline std::optional<std::vector<int>> get(mlx_axes v) {
  return v.data ? std::make_optional(as_ints(v)) : std::nullopt;
}
inline mx::Shape as_shape(mlx_ints v) { return mx::Shape(v.data, v.data + v.size); }
inline mx::Strides get(mlx_int64s v) { return mx::Strides(v.data, v.data + v.size); }
inline std::string get(mlx_string s) { return s.size ? std::string(s.data, s.size) : std::string(); }
inline std::vector<std::string> get(mlx_strings list) {
  std::vector<std::string> strings;
  for (size_t i = 0; i < list.size; ++i) strings.push_back(get(list.data[i]));
  return strings;
}
inline std::pair<int, int> get(mlx_int2 t) { return {t.v[0], t.v[1]}; }
inline std::tuple<int, int, int> get(mlx_int3 t) { return {t.v[0], t.v[1], t.v[2]}; }

inline mx::Dtype as_dtype(mlx_dtype dtype) {
  static constexpr mx::Dtype dtypes[] = {mx::bool_,   mx::uint8,   mx::uint16,   mx::uint32,   mx::uint64,
                                         mx::int8,    mx::int16,   mx::int32,    mx::int64,    mx::float16,
                                         mx::float32, mx::float64, mx::bfloat16, mx::complex64};
  if (dtype < 0 || dtype >= static_cast<mlx_dtype>(std::size(dtypes))) {
    throw std::invalid_argument("no dtype has the number " + std::to_string(dtype));
  }
  return dtypes[dtype];
}

template <typename Optional>
auto get(Optional o) -> std::optional<decltype(o.value)> {
  return o.has_value ? std::make_optional(o.value) : std::nullopt;
}
inline std::optional<mx::Dtype> get(mlx_optional_dtype o) {
  return o.has_value ? std::make_optional(as_dtype(o.value)) : std::nullopt;
}

inline mx::Device::DeviceType as_device_type(mlx_device_type type) {
  if (type != MLX_CPU && type != MLX_GPU) {
    throw std::invalid_argument("no device type has the number " + std::to_string(type));
  }
  return static_cast<mx::Device::DeviceType>(type);
}

inline mx::Device get(mlx_device d) { return {as_device_type(d.type), d.index}; }
inline mx::Stream get(mlx_stream s) { return mx::Stream(s.index, get(s.device)); }

// Results, written to uninitialised memory ---------------------------------------------------------

/// More bytes than any machine can map.
constexpr uint64_t most_bytes = uint64_t(1) << 46;

/// MLX multiplies sizes without looking: behind a product that wrapped, or that malloc refuses, there is no
/// memory.
inline void check_size(const array& a) {
  uint64_t bytes = a.itemsize();
  bool too_large = false;
  for (auto size : a.shape()) too_large |= __builtin_mul_overflow(bytes, static_cast<uint64_t>(size), &bytes);
  if (too_large || bytes > most_bytes)
    throw std::invalid_argument("the result would be too large for any memory");
}

inline void put(mlx_array* out, array a) {
  check_size(a);
  new (out) array(std::move(a));
}

template <typename Pair>
void put(mlx_array* out_0, mlx_array* out_1, Pair&& pair) {
  put(out_0, std::get<0>(std::forward<Pair>(pair)));
  put(out_1, std::get<1>(std::forward<Pair>(pair)));
}

inline void put(mlx_array_vector* out, std::vector<array> list) {
  for (const array& a : list) check_size(a);
  out->p = new std::vector<array>(std::move(list));
}

inline void put(mlx_array_vector* out_0, mlx_array_vector* out_1,
                std::pair<std::vector<array>, std::vector<array>> lists) {
  auto first = std::make_unique<std::vector<array>>(std::move(lists.first));
  put(out_1, std::move(lists.second));
  out_0->p = first.release();
}

inline mlx_dtype as_c(mx::Dtype dtype) { return static_cast<mlx_dtype>(dtype.val()); }

inline void put(mlx_string* out, const std::string& s) { *out = {s.data(), s.size()}; }

inline void put(mlx_owned_string* out, const std::string& s) {
  char* data = new char[s.size()];
  std::memcpy(data, s.data(), s.size());
  *out = {data, s.size()};
}

template <typename Ints>
void put(mlx_int_vector* out, const Ints& values) {
  int* data = new int[values.size()];
  std::copy(values.begin(), values.end(), data);
  *out = {data, values.size()};
}

inline void put(mlx_device* out, mx::Device d) { *out = {static_cast<mlx_device_type>(d.type), d.index}; }

inline void put(mlx_stream* out, mx::Stream s) {
  out->index = s.index;
  put(&out->device, s.device);
}

/// Moves array `i` out of an owned list.
inline array take(std::vector<array>& list, size_t i) {
  if (i >= list.size()) {
    throw std::out_of_range("there is no array " + std::to_string(i) + " in a list of " +
                            std::to_string(list.size()));
  }
  if (list[i].id() == 0) throw std::invalid_argument("array " + std::to_string(i) + " has been taken before");
  return std::move(list[i]);
}

/// A list as borrowed by a callback.
inline mlx_arrays borrow(const std::vector<array>& list) {
  return {reinterpret_cast<const mlx_array*>(list.data()), list.size()};
}

inline mlx_ints borrow(const std::vector<int>& list) { return {list.data(), list.size()}; }

}  // namespace mlx_capi
