// Arrays that a traced function uses without being passed them.
//
// MLX's exporter copies their memory into the file as it lies there: strides are ignored, which for a
// broadcast array reads past its end, and nothing waits for what is still being computed. So before MLX sees
// them they are waited for, and replaced by dense copies where they are not dense.
#pragma once

#include <unordered_map>
#include <unordered_set>

#include "convert.h"
#include "evaluation.h"

namespace mlx_capi {

/// The elements of an evaluated array in row-major order.
inline array dense_copy(const array& a) {
  // Throws where there is no memory; MLX's allocator on the CPU does not.
  std::make_unique_for_overwrite<char[]>(a.nbytes());
  auto memory = mx::allocator::malloc(a.nbytes());
  const auto item = a.itemsize();
  const char* from = a.data<char>();
  char* to = static_cast<char*>(memory.buffer().raw_ptr());
  std::vector<int> index(a.ndim(), 0);
  int64_t position = 0;
  for (size_t i = 0; i < a.size(); ++i, to += item) {
    std::memcpy(to, from + position * static_cast<int64_t>(item), item);
    for (int axis = static_cast<int>(a.ndim()) - 1; axis >= 0; --axis) {
      position += a.strides(axis);
      if (++index[axis] < a.shape(axis)) break;
      position -= a.strides(axis) * a.shape(axis);
      index[axis] = 0;
    }
  }
  return array(std::move(memory), a.shape(), a.dtype());
}

/// The constants of one function, over all its traces.
class Constants {
 public:
  /// Prepares the constants among what `outputs` are computed from. `inputs` are the arguments of the trace.
  void prepare(std::vector<array>& outputs, const std::unordered_set<std::uintptr_t>& inputs) {
    std::unordered_set<std::uintptr_t> seen;
    std::vector<Node> path;
    const auto visit = [&](array& a) {
      if (!a.has_primitive()) {
        if (!inputs.contains(a.id())) prepare(a);
      } else if (seen.insert(a.id()).second) {
        if (path.size() == deepest)
          throw std::invalid_argument("the function is a chain of too many operations");
        path.push_back({&a});
      }
    };
    for (array& output : outputs) {
      visit(output);
      while (!path.empty()) {
        if (array* next = path.back().next()) {
          visit(*next);
        } else {
          path.pop_back();
        }
      }
    }
  }

 private:
  /// MLX walks the graph recursively, and a thread of 2 MiB has room for little more than this.
  static constexpr size_t deepest = 8000;

  /// An array of the graph and how many of its neighbours have been visited.
  struct Node {
    array* a;
    size_t visited = 0;

    array* next() {
      auto& inputs = a->inputs();
      auto& siblings = a->siblings();
      const size_t i = visited++;
      if (i < inputs.size()) return &inputs[i];
      return i - inputs.size() < siblings.size() ? &siblings[i - inputs.size()] : nullptr;
    }
  };

  void prepare(array& a) {
    if (a.status() == array::unscheduled) {
      throw std::invalid_argument("the function uses an argument of another function, or a failed array");
    }
    wait(a);
    if (a.flags().row_contiguous) return;
    auto found = dense_.find(a.id());
    if (found == dense_.end()) found = dense_.emplace(a.id(), std::pair(a, dense_copy(a))).first;
    a.overwrite_descriptor(found->second.second);
  }

  /// What was copied, by its id, and the copy. Keeping the former keeps the id from being used again.
  std::unordered_map<std::uintptr_t, std::pair<array, array>> dense_;
};

}  // namespace mlx_capi
