// The graph behind arrays, as text.
#ifndef MLX_CAPI_GRAPH_UTILS_H
#define MLX_CAPI_GRAPH_UTILS_H

#include "types.h"

MLX_C_BEGIN

/// The operations that the arrays still wait for, one line each.
MLX_C_API int mlx_print_graph(mlx_owned_string* out, mlx_arrays outputs) MLX_C_NOEXCEPT;

/// The same in the DOT language of Graphviz.
MLX_C_API int mlx_export_to_dot(mlx_owned_string* out, mlx_arrays outputs) MLX_C_NOEXCEPT;

MLX_C_END

#endif
