// Launching compiled CUDA kernels at the least cost.
#pragma once

#include <memory>

#include "convert.h"

namespace mlx_capi {

/// The operation, or, if it is a call of a compiled CUDA kernel with one output, the same at less cost: for each
/// call MLX computes the hash of the whole module, which takes longer than all else.
std::shared_ptr<mx::Primitive> with_direct_launch(const array& output);

}  // namespace mlx_capi
