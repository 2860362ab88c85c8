// Tables of functions of C with a context of their own.
#pragma once

#include <memory>

#include "convert.h"

namespace mlx_capi {

/// A table of functions of C with their context, which is dropped with the last copy.
template <typename Table>
struct Host {
  Table table;
  std::shared_ptr<void> context;

  /// Takes over the context, also when it throws.
  explicit Host(Table t) : table(t), context(t.ctx, t.drop) {}

  template <typename Function, typename... Args>
  void call(Function function, Args... args) const {
    if (function(table.ctx, args...) != 0) throw CallbackFailed();
  }
};

}  // namespace mlx_capi
