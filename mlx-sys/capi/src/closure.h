// Callbacks of C as functions of C++, and functions of C++ as handles of C.
#pragma once

#include <cstdint>
#include <functional>

#include "convert.h"
#include "mlx/compile_impl.h"
#include "mlx_capi/transforms.h"

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

inline Fun function(const Callback<mlx_closure>& callback) {
  return [callback](const Arrays& inputs) {
    mlx_array_vector out{};
    callback(borrow(inputs), &out);
    return returned(out);
  };
}

/// What an `mlx_function` points to.
struct Function {
  Fun call;
  /// Set for a compiled function: what it is known by in the cache of the thread that made it.
  std::uintptr_t compile_id = 0;
  mx::detail::CompileCacheWeakPtr compile_cache = {};

  ~Function() {
    if (compile_id) mx::detail::compile_erase(compile_cache, compile_id);
  }
};

}  // namespace mlx_capi
