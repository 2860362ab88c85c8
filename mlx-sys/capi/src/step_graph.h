// Graphs of two steps of a loop, and what they differ in.
#pragma once

#include <algorithm>
#include <typeinfo>
#include <unordered_map>

#include "convert.h"
#include "cpu_kernels.h"
#include "program.h"

namespace mlx_capi {

/// What a leaf of a graph is to the steps of a loop.
enum class Role { constant, memory, input, places, positions };

struct Leaf {
  array value;
  Role role = Role::constant;
};

/// An operation of a graph, whose inputs are numbers: from 0 on those of results, from -1 down those of leaves.
struct Node {
  std::shared_ptr<mx::Primitive> primitive;
  std::vector<int> inputs;
  Arrays outputs;
};

/// A graph in the order in which it is computed.
struct Graph {
  std::vector<Node> nodes;
  std::vector<Leaf> leaves;
  /// For each operation that has places, the number of the leaf.
  std::vector<size_t> places;
  bool is_sound = true;

  Graph(const array& root, const array& input, mx::Stream stream) {
    visit(root, input, stream);
    for (const Node& node : nodes) assign_roles(node);
  }

 private:
  void visit(const array& root, const array& input, mx::Stream stream) {
    struct Frame {
      array value;
      size_t next = 0;
    };
    std::vector<Frame> stack;
    auto enter = [&](const array& a) {
      if (numbers_.contains(a.id())) return;
      const bool is_leaf = a.id() == input.id() || a.status() != array::unscheduled || !a.has_primitive();
      if (is_leaf) {
        leaves.push_back({a, a.id() == input.id() ? Role::input : Role::constant});
        numbers_[a.id()] = -static_cast<int>(leaves.size());
        return;
      }
      apply_rewrites(a);
      is_sound = is_sound && !a.is_tracer() && a.primitive().stream() == stream;
      stack.push_back({a});
    };
    enter(root);
    while (!stack.empty()) {
      const array a = stack.back().value;
      if (stack.back().next < a.inputs().size()) {
        enter(a.inputs()[stack.back().next++]);
        continue;
      }
      stack.pop_back();
      if (numbers_.contains(a.id())) continue;
      Node node{array(a).primitive_ptr(), {}, a.outputs()};
      for (const array& in : a.inputs()) node.inputs.push_back(numbers_.at(in.id()));
      for (const array& out : node.outputs) numbers_[out.id()] = results_++;
      nodes.push_back(std::move(node));
    }
  }

  void assign_roles(const Node& node) {
    auto assign = [&](int input, Role role) {
      const int number = input < 0 ? 0 : node.inputs.at(static_cast<size_t>(input));
      is_sound = is_sound && number < 0;
      if (number < 0) leaves[static_cast<size_t>(-number - 1)].role = role;
      return static_cast<size_t>(-number - 1);
    };
    if (const Program* program = as_program(*node.primitive)) {
      if (program->places() >= 0) places.push_back(assign(program->places(), Role::places));
      for (int i = 0; i < 2 && program->positions() >= 0; ++i) assign(program->positions() + i, Role::positions);
      const size_t in_place = node.outputs.size() - program->own_outputs();
      for (size_t i = node.inputs.size() - in_place; i < node.inputs.size(); ++i) {
        assign(static_cast<int>(i), Role::memory);
      }
    } else if (std::string_view(node.primitive->name()) == "RoPE" && !is_foreign(*node.primitive)) {
      assign(1, Role::positions);
    }
  }

  std::unordered_map<std::uintptr_t, int> numbers_;
  int results_ = 0;
};

/// The elements of a small array that the host has made; null otherwise.
inline const char* host_values(const array& a) {
  constexpr size_t most_bytes = 1024;
  const bool is_small = a.nbytes() <= most_bytes && a.flags().row_contiguous && a.data_shared_ptr();
  return is_small && CudaMemory::of(a).device < 0 ? address(a) : nullptr;
}

inline bool is_same_leaf(const Leaf& a, const Leaf& b) {
  const array &x = a.value, &y = b.value;
  if (a.role != b.role || x.shape() != y.shape() || x.dtype() != y.dtype()) return false;
  if (a.role > Role::memory || x.id() == y.id()) return true;
  if (!x.data_shared_ptr() || !y.data_shared_ptr()) return false;
  if (x.buffer().ptr() == y.buffer().ptr() && x.offset() == y.offset() && x.strides() == y.strides()) return true;
  const char *of_x = host_values(x), *of_y = host_values(y);
  return a.role == Role::constant && of_x && of_y && std::memcmp(of_x, of_y, x.nbytes()) == 0;
}

inline bool is_same_node(const Node& a, const Node& b) {
  const mx::Primitive &p = *a.primitive, &q = *b.primitive;
  // MLX's primitives cast the other to their own type without looking.
  if (typeid(p) != typeid(q) || a.inputs != b.inputs || a.outputs.size() != b.outputs.size()) return false;
  for (size_t i = 0; i < a.outputs.size(); ++i) {
    if (a.outputs[i].shape() != b.outputs[i].shape() || a.outputs[i].dtype() != b.outputs[i].dtype()) return false;
  }
  return &p == &q || (std::string_view(p.name()) == q.name() && p.is_equivalent(q));
}

inline bool is_same(const Graph& a, const Graph& b) {
  return std::equal(a.nodes.begin(), a.nodes.end(), b.nodes.begin(), b.nodes.end(), is_same_node) &&
         std::equal(a.leaves.begin(), a.leaves.end(), b.leaves.begin(), b.leaves.end(), is_same_leaf);
}

}  // namespace mlx_capi
