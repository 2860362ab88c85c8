// Host code on the thread of a CPU stream.
#pragma once

#include <cstdint>
#include <cstring>
#include <memory>

#include "allocation.h"
#include "convert.h"
#include "mlx/backend/cpu/encoder.h"
#include "mlx_capi/operation.h"

namespace mlx_capi {

using Views = mx::SmallVector<mlx_array_view, 6>;

/// The layout of an array, and its elements.
inline mlx_array_view view_of(const array& a, void* data, bool has_values) {
  return {data,     a.shape().data(), a.strides().data(),       a.ndim(),
          a.size(), as_c(a.dtype()),  a.flags().row_contiguous, has_values};
}

inline mlx_array_view input_view(const array& a) {
  return view_of(a, a.size() > 0 ? const_cast<void*>(a.data<void>()) : nullptr, true);
}

inline mlx_array_view output_view(array& a) {
  return view_of(a, a.size() > 0 ? a.data<void>() : nullptr, false);
}

/// MLX's views of one type as another may begin anywhere.
inline bool is_aligned(const mlx_array_view& v) {
  const size_t alignment = std::min<size_t>(mx::size_of(as_dtype(v.dtype)), sizeof(int64_t));
  return reinterpret_cast<std::uintptr_t>(v.data) % alignment == 0;
}

/// Copies the elements from `axis` on, in row-major order, and gives the place behind the last.
inline char* copy_axes(char* to, const char* from, const mlx_array_view& v, size_t item, size_t axis) {
  if (axis == v.ndim) {
    std::memcpy(to, from, item);
    return to + item;
  }
  const int64_t step = v.strides[axis] * static_cast<int64_t>(item);
  for (int i = 0; i < v.shape[axis]; ++i) to = copy_axes(to, from + i * step, v, item, axis + 1);
  return to;
}

/// Copies the elements of a view to dense memory.
inline void copy_dense(void* to, const mlx_array_view& from) {
  const size_t item = mx::size_of(as_dtype(from.dtype));
  if (from.size == 0) return;
  if (from.row_contiguous) {
    std::memcpy(to, from.data, from.size * item);
  } else {
    copy_axes(static_cast<char*>(to), static_cast<const char*>(from.data), from, item, 0);
  }
}

/// A call of host code, with all that it needs: when it runs, the descriptors of the arrays may be gone.
/// Their memory is kept by the stream until the tasks of the operation have run.
class Task {
 public:
  /// `from` is copied to `to` before the call.
  struct Copy {
    void* to;
    mlx_array_view from;
  };
  using Copies = mx::SmallVector<Copy, 2>;

  Task(std::shared_ptr<void> context, mlx_compute compute, const Views& inputs, const Views& outputs,
       const Copies& copies)
      : context_(std::move(context)), compute_(compute), inputs_(inputs), outputs_(outputs), copies_(copies) {
    size_t rank = 0;
    each_view([&](mlx_array_view& v) { rank += v.ndim; });
    shapes_.reserve(rank);
    strides_.reserve(rank);
    each_view([&](mlx_array_view& v) { own(v); });
  }

  Task(const Task&) = delete;
  Task& operator=(const Task&) = delete;

  void run() {
    for (const Copy& copy : copies_) copy_dense(copy.to, copy.from);
    if (compute_(context_.get(), inputs_.begin(), inputs_.size(), outputs_.begin(), outputs_.size()) != 0) {
      throw CallbackFailed();
    }
  }

 private:
  template <typename Body>
  void each_view(Body&& body) {
    for (auto& view : inputs_) body(view);
    for (auto& view : outputs_) body(view);
    for (auto& copy : copies_) body(copy.from);
  }

  /// Lets a view point at copies of its numbers.
  void own(mlx_array_view& v) {
    const size_t start = shapes_.size();
    for (size_t axis = 0; axis < v.ndim; ++axis) {
      shapes_.push_back(v.shape[axis]);
      strides_.push_back(v.strides[axis]);
    }
    v.shape = shapes_.begin() + start;
    v.strides = strides_.begin() + start;
  }

  std::shared_ptr<void> context_;
  mlx_compute compute_;
  Views inputs_;
  Views outputs_;
  Copies copies_;
  mx::SmallVector<int, 24> shapes_;
  mx::SmallVector<int64_t, 24> strides_;
};

/// Lets a view that is not row-major without gaps, or not aligned, see a copy that is.
inline void make_dense(mlx_array_view& v, mx::cpu::CommandEncoder& encoder, Task::Copies& copies) {
  if (v.row_contiguous && is_aligned(v)) return;
  array dense(mx::Shape(v.shape, v.shape + v.ndim), as_dtype(v.dtype), nullptr, {});
  allocate(dense);
  copies.push_back({v.size > 0 ? dense.data<void>() : nullptr, v});
  const mlx_array_view view = input_view(dense);
  v.data = view.data;
  v.strides = view.strides;
  v.row_contiguous = true;
  encoder.add_temporary(std::move(dense));
}

/// Gives an output the elements of an input, in its memory if that can be shared, else in a copy.
inline mlx_array_view take_over(const array& input, mlx_array_view& in, array& output, bool share,
                                Task::Copies& copies) {
  if (share) {
    output.copy_shared_buffer(input);
  } else {
    allocate(output);
    copies.push_back({output.size() > 0 ? output.data<void>() : nullptr, in});
  }
  in.data = nullptr;
  in.has_values = false;
  mlx_array_view out = output_view(output);
  out.has_values = true;
  return out;
}

inline void dispatch(mx::cpu::CommandEncoder& encoder, const std::shared_ptr<void>& context,
                     mlx_compute compute, const Views& inputs, const Views& outputs,
                     const Task::Copies& copies) {
  auto task = std::make_shared<Task>(context, compute, inputs, outputs, copies);
  encoder.dispatch([task = std::move(task)] { task->run(); });
}

}  // namespace mlx_capi
