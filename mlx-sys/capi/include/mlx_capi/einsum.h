// Einstein summation.
#ifndef MLX_CAPI_EINSUM_H
#define MLX_CAPI_EINSUM_H

#include "types.h"

MLX_C_BEGIN

/// The sum of products that `subscripts` names, such as "ij,jk->ik".
MLX_C_API int mlx_einsum(mlx_array* out, mlx_string subscripts, mlx_arrays operands,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The order in which `mlx_einsum` contracts its operands. Step `i` takes the `out_step_sizes[i]` next
/// positions of `out_positions` from the list of operands and appends its result to it. `out_summary`
/// describes the costs.
MLX_C_API int mlx_einsum_path(mlx_int_vector* out_positions, mlx_int_vector* out_step_sizes,
                              mlx_owned_string* out_summary, mlx_string subscripts,
                              mlx_arrays operands) MLX_C_NOEXCEPT;

MLX_C_END

#endif
