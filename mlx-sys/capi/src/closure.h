// Callbacks of C as functions of C++, and functions of C++ as handles of C.
#pragma once

#include <algorithm>
#include <cstdint>
#include <functional>
#include <unordered_map>

#include "convert.h"
#include "mlx/compile_impl.h"
#include "mlx_capi/transforms.h"
#include "recording.h"

namespace mlx_capi {

using Arrays = std::vector<array>;
using Fun = std::function<Arrays(const Arrays&)>;

/// A callback of type `Closure` that can be copied; its context is dropped with the last copy.
template <typename Closure>
class Callback {
 public:
  /// Takes over the context, also when it throws.
  explicit Callback(Closure closure)
      : closure_(closure), context_(closure.ctx, [drop = closure.drop](void* ctx) {
          if (drop) drop(ctx);
        }) {}

  template <typename... Args>
  void operator()(Args... args) const {
    if (closure_.call(closure_.ctx, args...) != 0) throw CallbackFailed();
  }

  bool given() const { return closure_.call != nullptr; }

 private:
  Closure closure_;
  std::shared_ptr<void> context_;
};

/// The arrays that a callback has returned.
inline Arrays returned(mlx_array_vector out) {
  if (!out.p) throw std::runtime_error("a callback succeeded without setting its output");
  std::unique_ptr<Arrays> list(static_cast<Arrays*>(out.p));
  return std::move(*list);
}

/// MLX walks what a function has recorded recursively, and would overflow the stack on a very long chain: it
/// takes up to 200 bytes for each operation.
constexpr size_t longest_chain = 1'000'000;

/// Refuses outputs at the end of a chain of operations that is too long.
inline void check_chain(const Arrays& outputs) {
  struct Visit {
    const array* node;
    size_t next_input;
    size_t length;
  };
  std::unordered_map<std::uintptr_t, size_t> lengths;
  std::vector<Visit> stack;
  for (const array& output : outputs) stack.push_back({&output, 0, 0});
  while (!stack.empty()) {
    Visit& visit = stack.back();
    const Arrays& inputs = visit.node->inputs();
    if (visit.next_input < inputs.size()) {
      const array& input = inputs[visit.next_input];
      auto known = lengths.find(input.id());
      if (known == lengths.end()) {
        stack.push_back({&input, 0, 0});
        continue;
      }
      visit.length = std::max(visit.length, known->second);
      ++visit.next_input;
      continue;
    }
    if (visit.length >= longest_chain) {
      throw std::invalid_argument("the function records a chain of more than " + std::to_string(longest_chain) +
                                  " operations; evaluate in between");
    }
    lengths[visit.node->id()] = visit.length + 1;
    stack.pop_back();
  }
}

inline Fun function(const Callback<mlx_closure>& callback) {
  return [callback](const Arrays& inputs) {
    mlx_array_vector out{};
    callback(borrow(inputs), &out);
    Arrays outputs = returned(out);
    check_chain(outputs);
    return outputs;
  };
}

/// What an `mlx_function` points to.
struct Function {
  Fun call;
  /// Set for a compiled function: what it is known by in the cache of the thread that made it.
  std::uintptr_t compile_id = 0;
  mx::detail::CompileCacheWeakPtr compile_cache = {};
  /// Set for a shapeless function: what was compiled, and what it recorded when it was traced last.
  Fun plain = {};
  std::shared_ptr<Recording> recording = {};

  ~Function() {
    if (compile_id) mx::detail::compile_erase(compile_cache, compile_id);
  }
};

}  // namespace mlx_capi
