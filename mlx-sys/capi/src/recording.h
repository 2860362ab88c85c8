// What a function has recorded, in a form that can be compared.
//
// MLX replays a shapeless trace on other shapes without the checks of the operations in it. It is safe to do so where
// the function records the very same operations, with the same parameters, when it is traced for those shapes: then
// the operations have been checked for them.
#pragma once

#include <cstring>
#include <typeinfo>
#include <unordered_map>

#include "convert.h"
#include "mlx/primitives.h"

namespace mlx_capi {

/// The operations between the inputs and the outputs of a traced function.
class Recording {
 public:
  Recording() = default;

  Recording(const std::vector<array>& inputs, const std::vector<array>& outputs) {
    std::unordered_map<std::uintptr_t, size_t> seen;
    for (const array& input : inputs) add(input, {}, seen);
    inputs_ = nodes_.size();
    for (const array& output : outputs) outputs_.push_back(walk(output, seen));
  }

  bool operator==(const Recording& other) const {
    if (inputs_ != other.inputs_ || outputs_ != other.outputs_ || nodes_.size() != other.nodes_.size()) return false;
    for (size_t i = 0; i < nodes_.size(); ++i) {
      const bool same = i < inputs_ ? nodes_[i].dtype == other.nodes_[i].dtype : same_node(nodes_[i], other.nodes_[i]);
      if (!same) return false;
    }
    return true;
  }

 private:
  struct Node {
    std::shared_ptr<mx::Primitive> primitive;
    std::vector<size_t> inputs;
    mx::Dtype dtype;
    /// Which of several outputs of its operation.
    int position;
    /// The array, where nothing computes it.
    std::optional<array> constant;
  };

  size_t add(const array& a, std::vector<size_t> inputs, std::unordered_map<std::uintptr_t, size_t>& seen) {
    Node node{nullptr, std::move(inputs), a.dtype(), a.sibling_position(), std::nullopt};
    if (a.has_primitive()) {
      node.primitive = const_cast<array&>(a).primitive_ptr();
    } else {
      node.constant = a;
    }
    nodes_.push_back(std::move(node));
    seen.emplace(a.id(), nodes_.size() - 1);
    return nodes_.size() - 1;
  }

  /// Adds what `root` is computed from, inputs first, and gives its number.
  size_t walk(const array& root, std::unordered_map<std::uintptr_t, size_t>& seen) {
    std::vector<std::pair<const array*, size_t>> stack = {{&root, 0}};
    while (!stack.empty()) {
      auto& [a, next] = stack.back();
      if (seen.contains(a->id())) {
        stack.pop_back();
      } else if (next < a->inputs().size()) {
        const array& input = a->inputs()[next++];
        stack.push_back({&input, 0});
      } else {
        std::vector<size_t> inputs;
        for (const array& input : a->inputs()) inputs.push_back(seen.at(input.id()));
        add(*a, std::move(inputs), seen);
        stack.pop_back();
      }
    }
    return seen.at(root.id());
  }

  static bool same_node(const Node& a, const Node& b) {
    if (a.inputs != b.inputs || a.dtype != b.dtype || a.position != b.position) return false;
    if (a.constant || b.constant) return a.constant && b.constant && same_constant(*a.constant, *b.constant);
    const mx::Primitive &one = *a.primitive, &other = *b.primitive;
    const std::string_view name = one.name();
    if (typeid(one) != typeid(other) || name != other.name()) return false;
    // With the operands it was broadcast with among its inputs, the shape is worked out anew.
    if (name == "Broadcast" && a.inputs.size() > 1) return true;
    return one.is_equivalent(other);
  }

  static bool same_constant(const array& a, const array& b) {
    if (a.id() == b.id()) return true;
    constexpr size_t worth_comparing = 4096;
    return a.status() == array::available && b.status() == array::available && a.shape() == b.shape() &&
           a.nbytes() == b.nbytes() && a.nbytes() <= worth_comparing && a.flags().row_contiguous &&
           b.flags().row_contiguous && std::memcmp(a.data<char>(), b.data<char>(), a.nbytes()) == 0;
  }

  std::vector<Node> nodes_;
  size_t inputs_ = 0;
  std::vector<size_t> outputs_;
};

}  // namespace mlx_capi
