// The kernels that were registered for all operations of a name.
#pragma once

#include "convert.h"

namespace mlx_capi {

/// Has the operation that gives `a` computed by the kernel that was registered for its kind, if there is one.
void apply_cpu_kernels(const array& a);

/// Has the operation that gives `a` rewritten as was registered for its kind, if it is computed on a GPU.
void apply_rewrites(const array& a);

/// Whether the array will be computed in the memory of another, whatever else refers to that.
bool is_in_place(const array& a);

/// Whether an operation of the caller's computes the array in the memory of one of its inputs.
bool takes_over(const array& a);

/// Whether the operation is one of the caller's.
bool is_operation(const mx::Primitive& primitive);

/// Whether the operation is not, or no longer, MLX's own: its name alone says nothing then.
bool is_foreign(const mx::Primitive& primitive);

}  // namespace mlx_capi
