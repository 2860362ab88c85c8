#include "mlx_capi/array.h"

#include <chrono>
#include <cstdlib>
#include <sstream>
#include <thread>

#include "allocation.h"
#include "convert.h"
#include "evaluation.h"
#include "mlx/primitives.h"

using namespace mlx_capi;

namespace mlx_capi {
namespace {

std::vector<array>& as_list(mlx_array_vector v) { return *static_cast<std::vector<array>*>(v.p); }

array copy_of(const void* data, mx::Shape shape, mx::Dtype dtype) {
  const size_t bytes = bytes_of(shape, dtype);
  require_memory(bytes);
  Turn turn;
  auto memory = mx::allocator::malloc(bytes);
  if (bytes > 0) std::memcpy(memory.buffer().raw_ptr(), data, bytes);
  return array(std::move(memory), std::move(shape), dtype);
}

array share(const array& a) {
  wait(a);
  if (a.has_primitive() || a.is_tracer()) {
    throw std::invalid_argument("the array is still part of a graph and cannot be shared");
  }
  array shared(a.shape(), a.dtype(), nullptr, {});
  shared.copy_shared_buffer(a);
  shared.set_status(array::available);
  return shared;
}

std::string to_string(const array& a) {
  // `True` and `False`, as MLX itself asks for in Python.
  [[maybe_unused]] static const bool once = mx::get_global_formatter().capitalize_bool = true;
  evaluate({a});
  std::ostringstream text;
  text << a;
  return text.str();
}

}  // namespace
}  // namespace mlx_capi

int mlx_array_new_data(mlx_array* out, const void* data, mlx_ints shape, mlx_dtype dtype) noexcept {
  return guard([&] { put(out, copy_of(data, as_shape(shape), as_dtype(dtype))); });
}

int mlx_array_new_bool(mlx_array* out, bool value) noexcept {
  return guard([&] {
    Turn turn;
    put(out, array(value));
  });
}

int mlx_array_new_int(mlx_array* out, int64_t value, mlx_dtype dtype) noexcept {
  return guard([&] {
    Turn turn;
    put(out, array(value, as_dtype(dtype)));
  });
}

int mlx_array_new_float(mlx_array* out, double value, mlx_dtype dtype) noexcept {
  return guard([&] {
    Turn turn;
    put(out, array(value, as_dtype(dtype)));
  });
}

int mlx_array_new_complex(mlx_array* out, float real, float imag) noexcept {
  return guard([&] {
    Turn turn;
    put(out, array(std::complex<float>(real, imag)));
  });
}

int mlx_array_clone(mlx_array* out, mlx_array a) noexcept {
  return guard([&] { put(out, get(a)); });
}

int mlx_array_share(mlx_array* out, mlx_array a) noexcept {
  return guard([&] { put(out, share(get(a))); });
}

void mlx_array_free(mlx_array a) noexcept {
  Turn turn;
  if (a.p[0]) as_array(a).~array();
}

size_t mlx_array_ndim(mlx_array a) noexcept { return as_array(a).ndim(); }
size_t mlx_array_size(mlx_array a) noexcept { return as_array(a).size(); }
size_t mlx_array_itemsize(mlx_array a) noexcept { return as_array(a).itemsize(); }
size_t mlx_array_nbytes(mlx_array a) noexcept { return as_array(a).nbytes(); }
mlx_dtype mlx_array_dtype(mlx_array a) noexcept { return as_c(as_array(a).dtype()); }
const int* mlx_array_shape(mlx_array a) noexcept { return as_array(a).shape().data(); }
const int64_t* mlx_array_strides(mlx_array a) noexcept { return as_array(a).strides().data(); }
int64_t mlx_array_offset(mlx_array a) noexcept { return as_array(a).offset(); }
size_t mlx_array_data_size(mlx_array a) noexcept { return as_array(a).data_size(); }
bool mlx_array_row_contiguous(mlx_array a) noexcept { return as_array(a).flags().row_contiguous; }
bool mlx_array_col_contiguous(mlx_array a) noexcept { return as_array(a).flags().col_contiguous; }
bool mlx_array_contiguous(mlx_array a) noexcept { return as_array(a).flags().contiguous; }
mlx_array_state mlx_array_status(mlx_array a) noexcept { return as_array(a).status(); }
bool mlx_array_is_tracer(mlx_array a) noexcept { return as_array(a).is_tracer(); }
bool mlx_array_has_primitive(mlx_array a) noexcept { return as_array(a).has_primitive(); }
uintptr_t mlx_array_id(mlx_array a) noexcept { return as_array(a).id(); }

int mlx_array_data(const void** out, mlx_array a) noexcept {
  return guard([&] {
    wait(get(a));
    Turn turn;
    *out = get(a).size() > 0 ? get(a).data<void>() : nullptr;
  });
}

int mlx_array_to_string(mlx_owned_string* out, mlx_array a) noexcept {
  return guard([&] { put(out, to_string(get(a))); });
}

namespace mlx_capi {
namespace {

/// Whether nothing but the array refers to its memory. That which has computed it lets go of it soon after it is done.
bool owns_memory_alone(const array& a) {
  const bool was_running = a.status() == array::evaluated;
  wait(a);
  const auto until = std::chrono::steady_clock::now() + std::chrono::microseconds(was_running ? 200 : 0);
  while (a.data_shared_ptr().use_count() > 1) {
    if (std::chrono::steady_clock::now() >= until) return false;
    std::this_thread::yield();
  }
  return true;
}

bool is_readable(const array& a) {
  // Flags are known as soon as the computation has been scheduled.
  const bool scheduled = a.status() != array::unscheduled && a.data_shared_ptr();
  return scheduled && a.flags().row_contiguous && owns_memory_alone(a);
}

}  // namespace
}  // namespace mlx_capi

int mlx_array_is_readable(bool* out, mlx_array a) noexcept {
  return guard([&] { *out = is_readable(get(a)); });
}

int mlx_array_is_available(bool* out, mlx_array a) noexcept {
  return guard([&] { *out = get(a).is_available(); });
}

int mlx_array_wait(mlx_array a) noexcept {
  return guard([&] { wait(get(a)); });
}

int mlx_array_primitive_name(mlx_string* out, mlx_array a) noexcept {
  return guard([&] {
    if (!get(a).has_primitive()) throw std::invalid_argument("the array is not the result of an operation");
    const char* name = get(a).primitive().name();
    *out = {name, std::strlen(name)};
  });
}

int mlx_array_inputs(mlx_array_vector* out, mlx_array a) noexcept {
  return guard([&] { put(out, get(a).inputs()); });
}

int mlx_array_vector_new_from(mlx_array_vector* out, mlx_arrays arrays) noexcept {
  return guard([&] { put(out, get(arrays)); });
}

size_t mlx_array_vector_size(mlx_array_vector v) noexcept { return as_list(v).size(); }

int mlx_array_vector_take(mlx_array* out, mlx_array_vector v, size_t i) noexcept {
  return guard([&] { put(out, take(as_list(v), i)); });
}

void mlx_array_vector_free(mlx_array_vector v) noexcept { delete static_cast<std::vector<array>*>(v.p); }

int mlx_int_vector_new_from(mlx_int_vector* out, mlx_ints values) noexcept {
  return guard([&] { put(out, as_ints(values)); });
}

void mlx_int_vector_free(mlx_int_vector v) noexcept { delete[] v.data; }

void mlx_owned_string_free(mlx_owned_string s) noexcept { delete[] s.data; }
