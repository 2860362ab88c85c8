// Evaluation that tells the truth after a failure.
//
// MLX marks arrays as evaluated before their computation can fail, and cuts them from their graph. When it then throws,
// every array of that graph that somebody still holds claims to be readable, over memory that nobody wrote. So the
// arrays to be computed are noted first, on each thread since its last evaluation that is known to have succeeded;
// after a failure they are marked unscheduled, and reading or evaluating one of them fails.
#pragma once

#include <exception>
#include <memory>
#include <unordered_set>

#include "convert.h"

namespace mlx_capi {

/// The arrays of the calling thread whose computation is not known to have succeeded.
class Unproven {
 public:
  static Unproven& of_this_thread() {
    thread_local Unproven unproven;
    return unproven;
  }

  /// Notes what evaluating `roots` will compute.
  void add(const std::vector<array>& roots) {
    if (nodes_.size() > prune_at_) prune();
    std::unordered_set<std::uintptr_t> seen;
    std::vector<const array*> stack;
    for (const array& root : roots) stack.push_back(&root);
    while (!stack.empty()) {
      const array& a = *stack.back();
      stack.pop_back();
      if (a.status() == array::available || !seen.insert(a.id()).second) continue;
      // Weak, because an array that someone else refers to cannot give its buffer to its successor.
      nodes_.emplace_back(reinterpret_cast<const std::shared_ptr<void>&>(a));
      for (const array& input : a.inputs()) stack.push_back(&input);
      for (const array& sibling : a.siblings()) stack.push_back(&sibling);
    }
  }

  /// All that was noted has been computed.
  void proven() { nodes_.clear(); }

  /// Nothing that was noted may be read.
  void failed() {
    for (const auto& node : nodes_) {
      if (std::shared_ptr<void> alive = node.lock()) {
        reinterpret_cast<const array&>(alive).set_status(array::unscheduled);
      }
    }
    nodes_.clear();
  }

 private:
  /// Drops what nobody holds any more: a weak reference still keeps the array's descriptor in memory.
  void prune() {
    std::erase_if(nodes_, [](const auto& node) { return node.expired(); });
    prune_at_ = 2 * nodes_.size() + 4096;
  }

  std::vector<std::weak_ptr<void>> nodes_;
  size_t prune_at_ = 4096;
};

/// Runs `evaluate(arrays)`, which may throw; `blocking` says that it returns when all is computed.
template <typename Evaluate>
void evaluate(const std::vector<array>& arrays, bool blocking, Evaluate&& evaluate) {
  Unproven& unproven = Unproven::of_this_thread();
  unproven.add(arrays);
  try {
    // Throws the error of an earlier computation that these arrays depend on.
    for (const array& a : arrays) a.is_available();
    evaluate(arrays);
  } catch (...) {
    unproven.failed();
    throw;
  }
  if (blocking) unproven.proven();
}

/// Evaluates and waits.
inline void evaluate(const std::vector<array>& arrays) {
  evaluate(arrays, true, [](const std::vector<array>& list) { mx::eval(list); });
}

/// Waits until an evaluated array can be read.
inline void wait(const array& a) {
  if (a.status() == array::available) return;
  if (a.status() == array::unscheduled) throw std::invalid_argument("the array has not been evaluated");
  evaluate({a}, true, [](const std::vector<array>& arrays) { array(arrays[0]).wait(); });
}

}  // namespace mlx_capi
