// Operations of MLX that are computed on a GPU by other ones.
#ifndef MLX_CAPI_REWRITE_H
#define MLX_CAPI_REWRITE_H

#include "types.h"

MLX_C_BEGIN

/// Another way to compute the operations of one kind.
///
/// `rewrite` is called as an operation is about to be computed on `stream`, on the thread that evaluates. It returns 1
/// after writing an array that has not been evaluated, of the same shape and type, that is computed on that stream by
/// one operation with one output: that takes the place of the operation of `a`, with its inputs. It returns 0 to leave
/// the operation as it is, and -1 after `mlx_callback_failed`. Then the inputs of `a` get their turn. `drop` is called
/// when registering fails; what is registered stays.
typedef struct mlx_rewrite {
  void* ctx;
  /// The name of the operations, as `mlx_array_primitive_name` gives it.
  mlx_string primitive;
  int (*rewrite)(void* ctx, mlx_array a, mlx_stream stream, mlx_array* out);
  void (*drop)(void* ctx);
} mlx_rewrite;

/// Has all operations of a kind that are computed on a GPU from now on, in this process, rewritten: also those that
/// transformations make. Of several for one kind the last counts.
MLX_C_API int mlx_rewrite_gpu_everywhere(mlx_rewrite rewrite) MLX_C_NOEXCEPT;

/// The parameters of the operation that gives `a`, as `mlx_cpu_kernels` lists them, and more: for RMSNorm eps; for
/// RoPE the dimensions, whether it is traditional, base, scale, and whether it is forward; for
/// ScaledDotProductAttention the scale; for Transpose the axes; for Slice the start, end and step along each axis.
/// At most `capacity` are written; `*count` is how many there are. None where `a` has been evaluated, or is the
/// result of an operation that is not MLX's own.
MLX_C_API int mlx_array_parameters(double* out, size_t capacity, size_t* count, mlx_array a) MLX_C_NOEXCEPT;

MLX_C_END

#endif
