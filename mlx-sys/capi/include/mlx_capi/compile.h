// Compilation: a function is traced once and its element-wise operations are fused into few kernels.
#ifndef MLX_CAPI_COMPILE_H
#define MLX_CAPI_COMPILE_H

#include "transforms.h"

MLX_C_BEGIN

/// `f` compiled. It is traced at the first call, and again for each new combination of input shapes and
/// types, or with `shapeless` of types and numbers of axes only. Arrays that `f` uses without being passed
/// them become constants. Call and release the result on the thread that made it, and do not call it from
/// within `f`.
MLX_C_API int mlx_compile(mlx_function* out, mlx_closure f, bool shapeless) MLX_C_NOEXCEPT;

/// Whether a shapeless compiled function, which has been called before, may be called with arrays of these shapes: traces
/// `f` for them and compares what it records. MLX replays a trace without checking shapes again, and would read foreign
/// memory where they do not fit.
MLX_C_API int mlx_compiled_fits(bool* out, mlx_function f, mlx_arrays inputs) MLX_C_NOEXCEPT;

/// Makes `mlx_compile` return functions as they are, in the whole process.
MLX_C_API int mlx_disable_compile(void) MLX_C_NOEXCEPT;

/// Makes `mlx_compile` compile again, also against the variable `MLX_DISABLE_COMPILE`.
MLX_C_API int mlx_enable_compile(void) MLX_C_NOEXCEPT;

typedef int32_t mlx_compile_mode;
/// Functions are returned as they are.
static const mlx_compile_mode MLX_COMPILE_DISABLED = 0;
/// Functions are traced, and neither simplified nor fused.
static const mlx_compile_mode MLX_COMPILE_NO_SIMPLIFY = 1;
/// Graphs are simplified but not fused.
static const mlx_compile_mode MLX_COMPILE_NO_FUSE = 2;
/// Graphs are simplified and fused.
static const mlx_compile_mode MLX_COMPILE_ENABLED = 3;

/// How far compilation goes, in the whole process.
MLX_C_API int mlx_set_compile_mode(mlx_compile_mode mode) MLX_C_NOEXCEPT;

/// Forgets what the calling thread has traced; compiled functions are traced again when called.
MLX_C_API int mlx_compile_clear_cache(void) MLX_C_NOEXCEPT;

MLX_C_END

#endif
