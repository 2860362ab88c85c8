// Host code as part of the graph: new operations, and other ways to compute MLX's own on the CPU.
#ifndef MLX_CAPI_OPERATION_H
#define MLX_CAPI_OPERATION_H

#include "types.h"

MLX_C_BEGIN

/// An array as host code sees it: its layout and, while it computes, its elements. Valid during the callback.
typedef struct mlx_array_view {
  /// The first element, aligned to its size up to 8 bytes. NULL for an array without elements, before there
  /// is memory, and for the input whose memory an output has taken over.
  void* data;
  /// `ndim` sizes.
  const int* shape;
  /// `ndim` strides in elements.
  const int64_t* strides;
  size_t ndim;
  size_t size;
  mlx_dtype dtype;
  /// Whether the elements lie in row-major order without gaps.
  bool row_contiguous;
  /// Whether the memory holds values. That of an output does not, unless it was an input's.
  bool has_values;
} mlx_array_view;

/// Computes outputs from inputs. Called on the thread of a CPU stream, it returns 0, or non-zero after
/// `mlx_callback_failed`; then the evaluation fails with `MLX_CALLBACK`. It must not throw, unwind, jump out,
/// or call functions of this API other than `mlx_callback_failed`.
typedef int (*mlx_compute)(void* ctx, const mlx_array_view* inputs, size_t input_count,
                           mlx_array_view* outputs, size_t output_count);

// New operations ----------------------------------------------------------------------------------

/// Shapes that a callback gives back, with `mlx_shape_vector_push`.
typedef struct mlx_shape_vector {
  void* p;
} mlx_shape_vector;

/// Appends a shape.
MLX_C_API int mlx_shape_vector_push(mlx_shape_vector shapes, mlx_ints shape) MLX_C_NOEXCEPT;

/// An operation: host code that computes on the CPU, and how transformations see it.
///
/// Except for `compute` the functions are called on the thread that records, as closures are
/// (`transforms.h`), and report failures as `compute` does. Two operations with the same `ctx` are the same
/// operation. `drop` is called once per recorded operation, on any thread, also when recording fails.
typedef struct mlx_operation {
  void* ctx;
  /// Shown when graphs are printed.
  mlx_string name;
  /// Whether `compute` takes inputs as they lie in memory; otherwise they come in row-major order without
  /// gaps.
  bool strided;
  /// So many of the last outputs take the memory of as many of the last inputs, in order, whatever else refers to that:
  /// what is written shows there too. They are alike in shape and type. `compute` gets no elements for such inputs, and those
  /// of the outputs are theirs. An input that is not in row-major order without gaps is copied first.
  size_t in_place;
  mlx_compute compute;
  /// The shapes of the outputs for other inputs than those it was recorded with, for shapeless compilation.
  int (*output_shapes)(void* ctx, mlx_arrays inputs, mlx_shape_vector out);
  /// One cotangent per input numbered by `argnums`.
  int (*vjp)(void* ctx, mlx_arrays primals, mlx_arrays cotangents, mlx_ints argnums, mlx_arrays outputs,
             mlx_array_vector* out);
  /// One tangent per output, from those of the inputs numbered by `argnums`.
  int (*jvp)(void* ctx, mlx_arrays primals, mlx_arrays tangents, mlx_ints argnums, mlx_array_vector* out);
  /// The outputs for inputs vectorized over an axis each (-1: none), and the axes of the outputs.
  int (*vmap)(void* ctx, mlx_arrays inputs, mlx_ints axes, mlx_array_vector* out, mlx_int_vector* out_axes);
  void (*drop)(void* ctx);
} mlx_operation;

/// Records the operation on a CPU stream, with outputs of the given shapes and types.
MLX_C_API int mlx_operation_record(mlx_array_vector* out, mlx_operation operation, mlx_arrays inputs,
                                   mlx_specs outputs, mlx_stream s) MLX_C_NOEXCEPT;

/// The context of the caller's operation that is yet to compute `a`, and which of its outputs `a` is; null where it is no
/// such operation.
MLX_C_API int mlx_array_operation(void** context, size_t* output, mlx_array a) MLX_C_NOEXCEPT;

// MLX's own operations ----------------------------------------------------------------------------

typedef int32_t mlx_in_place;
/// Outputs have memory of their own.
static const mlx_in_place MLX_IN_PLACE_NEVER = 0;
/// Output 0 starts with the elements of input 0: in its memory when nothing else refers to it, else in a
/// copy.
static const mlx_in_place MLX_IN_PLACE_OR_COPY = 1;
/// Output 0 takes the memory of input 0, whatever else refers to it: what is written shows there too.
static const mlx_in_place MLX_IN_PLACE_ALWAYS = 2;

/// Another way to compute an operation on the CPU.
///
/// `accepts` is asked before each computation, on the thread that evaluates, with views that have no elements
/// yet. It returns 1 to compute, 0 to leave it to MLX, and -1 after `mlx_callback_failed`. Inputs whose
/// elements are not aligned, and an input 0 that cannot be computed in place because it has another shape or
/// type than output 0 or is not row-major, are left to MLX without asking. `drop` is called once, on any
/// thread, also when replacing fails.
typedef struct mlx_cpu_kernel {
  void* ctx;
  /// The name of the operation that the kernel computes, as `mlx_array_primitive_name` gives it.
  mlx_string primitive;
  mlx_in_place in_place;
  /// As for `mlx_operation`.
  bool strided;
  int (*accepts)(void* ctx, const mlx_array_view* inputs, size_t input_count, const mlx_array_view* outputs,
                 size_t output_count);
  mlx_compute compute;
  void (*drop)(void* ctx);
} mlx_cpu_kernel;

/// Has the operation that gives `a` (and the other outputs of that operation) computed by the kernel, where
/// it is computed on the CPU. Everything else about the operation stays. `*replaced` says whether there was
/// such an operation: not when `a` has been evaluated, is the result of another operation or none, or is
/// computed on a GPU.
MLX_C_API int mlx_replace_cpu(bool* replaced, mlx_array a, mlx_cpu_kernel kernel) MLX_C_NOEXCEPT;

/// Kernels for all operations of one kind, each made for the parameters of one of them.
///
/// `make` is called as an operation is about to be computed, on the thread that evaluates. It returns 1 after writing a
/// kernel, whose `primitive` is not looked at, 0 to leave the operation to MLX, and -1 after `mlx_callback_failed`. The
/// parameters are, for
///   QuantizedMatmul: group size, bits, mode (0 affine, 1 mxfp4, 2 mxfp8, 3 nvfp4), whether the matrix is transposed;
///   GatherQMM: the same, whether the indices of the left, of the right side are sorted;
///   AddMM: alpha, beta;
///   Softmax: whether it is computed in at least single precision;
/// and none for others.
typedef struct mlx_cpu_kernels {
  void* ctx;
  /// The name of the operations, as `mlx_array_primitive_name` gives it.
  mlx_string primitive;
  int (*make)(void* ctx, mlx_doubles parameters, mlx_cpu_kernel* out);
  void (*drop)(void* ctx);
} mlx_cpu_kernels;

/// Has all operations of a kind that are computed on the CPU from now on, in this process, computed by kernels: also
/// those that transformations make. Of several for one kind the last counts.
MLX_C_API int mlx_replace_cpu_everywhere(mlx_cpu_kernels kernels) MLX_C_NOEXCEPT;

/// Has the `slice_update` that gives `a` write into the memory of the array it updates, whatever else refers to that, where
/// it is computed on a GPU: what is written shows there too. `*updated` says whether there was such an operation. (On the
/// CPU a kernel with `MLX_IN_PLACE_ALWAYS` does that.)
MLX_C_API int mlx_update_in_place(bool* updated, mlx_array a) MLX_C_NOEXCEPT;

MLX_C_END

#endif
