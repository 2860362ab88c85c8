// One thread at a time, where MLX needs that.
#pragma once

#include <mutex>

#include "convert.h"

namespace mlx_capi {

/// Held by a thread that gives work to a GPU by CUDA, or allocates or frees memory for it; elsewhere nothing.
///
/// MLX captures work into CUDA graphs, in the mode in which an allocation of any other thread breaks the capture. It then
/// throws where exceptions end the process.
class Turn {
 public:
  Turn() : lock_(mutex(), std::defer_lock) {
    static const bool cuda = mx::cu::is_available();
    if (cuda) lock_.lock();
  }

 private:
  // Work ends in callbacks that record and evaluate again.
  static std::recursive_mutex& mutex() {
    static auto* mutex = new std::recursive_mutex();
    return *mutex;
  }

  std::unique_lock<std::recursive_mutex> lock_;
};

}  // namespace mlx_capi
