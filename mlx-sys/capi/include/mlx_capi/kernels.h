// Kernels written at run time, for the GPU. MLX checks nothing of what they do to memory.
#ifndef MLX_CAPI_KERNELS_H
#define MLX_CAPI_KERNELS_H

#include "types.h"

MLX_C_BEGIN

/// A kernel with its source, not yet compiled for any template arguments.
typedef struct mlx_kernel {
  void* p;
} mlx_kernel;

typedef int32_t mlx_math_mode;
/// As IEEE 754 says.
static const mlx_math_mode MLX_MATH_SAFE = 0;
/// Faster where infinities and NaNs are kept.
static const mlx_math_mode MLX_MATH_RELAXED = 1;
/// Whatever is fastest.
static const mlx_math_mode MLX_MATH_FAST = 2;

/// A kernel in the Metal Shading Language. `source` is the body; MLX writes the signature from the names.
/// `header` goes before it. `atomic_outputs` makes the outputs `device atomic<T>*`.
MLX_C_API int mlx_fast_metal_kernel(mlx_kernel* out, mlx_string name, mlx_strings input_names,
                                    mlx_strings output_names, mlx_string source, mlx_string header,
                                    bool ensure_row_contiguous, bool atomic_outputs,
                                    mlx_math_mode math_mode) MLX_C_NOEXCEPT;

/// A kernel in CUDA C++. `source` is the body; MLX writes the signature from the names. `shared_memory` is
/// the number of bytes of dynamic shared memory.
MLX_C_API int mlx_fast_cuda_kernel(mlx_kernel* out, mlx_string name, mlx_strings input_names,
                                   mlx_strings output_names, mlx_string source, mlx_string header,
                                   bool ensure_row_contiguous, int shared_memory) MLX_C_NOEXCEPT;

/// Releases the kernel. Null is ignored.
MLX_C_API void mlx_kernel_free(mlx_kernel kernel) MLX_C_NOEXCEPT;

typedef int32_t mlx_argument_kind;
static const mlx_argument_kind MLX_ARGUMENT_INT = 0;
static const mlx_argument_kind MLX_ARGUMENT_BOOL = 1;
/// Only as a template argument.
static const mlx_argument_kind MLX_ARGUMENT_DTYPE = 2;
/// Only as a scalar.
static const mlx_argument_kind MLX_ARGUMENT_FLOAT = 3;

/// A template argument of a kernel: an int, a bool (0 or 1) or a dtype.
typedef struct mlx_template_arg {
  mlx_string name;
  mlx_argument_kind kind;
  int32_t value;
} mlx_template_arg;

/// A scalar argument of a precompiled kernel.
typedef struct mlx_scalar_arg {
  mlx_argument_kind kind;
  int32_t integer;
  float real;
} mlx_scalar_arg;

/// How a kernel is launched: its outputs, the numbers of threads of the grid and of a group, and the value
/// that outputs are filled with before.
typedef struct mlx_launch {
  mlx_specs outputs;
  mlx_int3 grid;
  mlx_int3 threadgroup;
  mlx_optional_float init_value;
} mlx_launch;

/// Records a call of the kernel on a stream of a GPU. `verbose` prints the source that MLX has made.
MLX_C_API int mlx_kernel_call(mlx_array_vector* out, mlx_kernel kernel, mlx_arrays inputs, mlx_launch launch,
                              const mlx_template_arg* template_args, size_t template_arg_count, bool verbose,
                              mlx_stream s) MLX_C_NOEXCEPT;

/// Records a call of the function `name` of a compiled CUDA module (PTX or cubin): inputs, outputs and
/// scalars are its parameters in this order.
MLX_C_API int mlx_fast_precompiled_cuda_kernel(mlx_array_vector* out, mlx_string name,
                                               mlx_string compiled_source, mlx_arrays inputs,
                                               mlx_launch launch, const mlx_scalar_arg* scalars,
                                               size_t scalar_count, int shared_memory,
                                               bool ensure_row_contiguous, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
