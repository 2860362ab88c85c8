// Evaluation, and transformations of functions of arrays.
#ifndef MLX_CAPI_TRANSFORMS_H
#define MLX_CAPI_TRANSFORMS_H

#include "types.h"

MLX_C_BEGIN

// Evaluation --------------------------------------------------------------------------------------

/// Computes the arrays and waits for them. After a failure all arrays that this thread has scheduled and that
/// are not known to have been computed count as not evaluated: reading or evaluating them fails.
MLX_C_API int mlx_eval(mlx_arrays arrays) MLX_C_NOEXCEPT;

/// Begins to compute the arrays. A failure that comes up later is reported by `mlx_eval`, `mlx_array_wait` or
/// another function that waits for them.
MLX_C_API int mlx_async_eval(mlx_arrays arrays) MLX_C_NOEXCEPT;

// Callbacks ---------------------------------------------------------------------------------------

/// A function of arrays, given to MLX.
///
/// `call` gets `ctx` and borrowed inputs, sets `*out` with `mlx_array_vector_new_from` and returns 0.
/// Non-zero stops the outer function, which then returns `MLX_CALLBACK`. It must not throw, unwind or jump
/// out, and should depend on nothing but its inputs, because MLX decides how often it is called. `drop` (or
/// NULL) is called once, when MLX no longer needs `ctx`, whether or not the function that got the closure
/// succeeds.
typedef struct mlx_closure {
  void* ctx;
  int (*call)(void* ctx, mlx_arrays inputs, mlx_array_vector* out);
  void (*drop)(void* ctx);
} mlx_closure;

/// The vector-Jacobian product of a function: from its inputs, the cotangents of its outputs, and its
/// outputs to one cotangent per input. `call == NULL` means not given.
typedef struct mlx_closure_vjp {
  void* ctx;
  int (*call)(void* ctx, mlx_arrays primals, mlx_arrays cotangents, mlx_arrays outputs,
              mlx_array_vector* out);
  void (*drop)(void* ctx);
} mlx_closure_vjp;

/// The Jacobian-vector product of a function: from its inputs and the tangents of those numbered by
/// `argnums` to one tangent per output. `call == NULL` means not given.
typedef struct mlx_closure_jvp {
  void* ctx;
  int (*call)(void* ctx, mlx_arrays primals, mlx_arrays tangents, mlx_ints argnums, mlx_array_vector* out);
  void (*drop)(void* ctx);
} mlx_closure_jvp;

/// The vectorized form of a function: from inputs and the axis each is vectorized over (-1: none) to
/// outputs and theirs (`mlx_int_vector_new_from`). `call == NULL` means not given.
typedef struct mlx_closure_vmap {
  void* ctx;
  int (*call)(void* ctx, mlx_arrays inputs, mlx_ints axes, mlx_array_vector* out, mlx_int_vector* out_axes);
  void (*drop)(void* ctx);
} mlx_closure_vmap;

/// A function of arrays, made by MLX. It belongs to the thread that made it.
typedef struct mlx_function {
  void* p;
} mlx_function;

/// Calls the function.
MLX_C_API int mlx_function_call(mlx_array_vector* out, mlx_function f, mlx_arrays inputs) MLX_C_NOEXCEPT;

/// Releases the function. Null is ignored.
MLX_C_API void mlx_function_free(mlx_function f) MLX_C_NOEXCEPT;

// Transformations ---------------------------------------------------------------------------------

/// The outputs of `f` at `primals`, and the product of `cotangents`, one per output, with its Jacobian: one
/// array per primal.
MLX_C_API int mlx_vjp(mlx_array_vector* outputs, mlx_array_vector* vjps, mlx_closure f, mlx_arrays primals,
                      mlx_arrays cotangents) MLX_C_NOEXCEPT;

/// The outputs of `f` at `primals`, and the product of its Jacobian with `tangents`, one per primal: one
/// array per output.
MLX_C_API int mlx_jvp(mlx_array_vector* outputs, mlx_array_vector* jvps, mlx_closure f, mlx_arrays primals,
                      mlx_arrays tangents) MLX_C_NOEXCEPT;

/// The outputs of `f` at `args`, of which the first must be a scalar, and its gradient with respect to each
/// of the arguments numbered by `argnums`.
MLX_C_API int mlx_value_and_grad(mlx_array_vector* values, mlx_array_vector* grads, mlx_closure f,
                                 mlx_arrays args, mlx_ints argnums) MLX_C_NOEXCEPT;

/// `f` applied along an axis of each argument (-1: to the whole of it), its outputs stacked along
/// `out_axes`. An empty list of axes means axis 0 throughout.
MLX_C_API int mlx_vmap(mlx_array_vector* out, mlx_closure f, mlx_arrays args, mlx_ints in_axes,
                       mlx_ints out_axes) MLX_C_NOEXCEPT;

/// `f` with transformations of its own; one that is not given is derived from `f`.
MLX_C_API int mlx_custom_function(mlx_function* out, mlx_closure f, mlx_closure_vjp opt_vjp,
                                  mlx_closure_jvp opt_jvp, mlx_closure_vmap opt_vmap) MLX_C_NOEXCEPT;

/// `f`, computed again for its gradient instead of keeping what it computed on the way.
MLX_C_API int mlx_checkpoint(mlx_function* out, mlx_closure f) MLX_C_NOEXCEPT;

MLX_C_END

#endif
