// Compiled CUDA kernels as operations: several launches, outputs in place, and steps that are launched again as a whole.
#ifndef MLX_CAPI_PROGRAM_H
#define MLX_CAPI_PROGRAM_H

#include "kernels.h"
#include "types.h"

MLX_C_BEGIN

/// The address of input, output or scratch memory number `integer`, besides the kinds of scalars.
static const mlx_argument_kind MLX_ARGUMENT_INPUT = 4;
static const mlx_argument_kind MLX_ARGUMENT_OUTPUT = 5;
static const mlx_argument_kind MLX_ARGUMENT_SCRATCH = 6;

/// How many processors the first GPU has, and bytes of shared memory each of them. Fails where MLX is not built for CUDA.
MLX_C_API int mlx_cuda_processors(int* count, int* shared_memory) MLX_C_NOEXCEPT;

/// A launch of a function with the arguments it takes.
typedef struct mlx_program_launch {
  mlx_string function;
  mlx_int3 blocks;
  mlx_int3 threads;
  int shared_memory;
  const mlx_scalar_arg* arguments;
  size_t argument_count;
} mlx_program_launch;

/// What a program is made of.
typedef struct mlx_program_parts {
  /// PTX or a cubin.
  mlx_string module;
  const mlx_program_launch* launches;
  size_t launch_count;
  mlx_specs outputs;
  /// So many of the last outputs are written in the memory of as many of the last inputs.
  size_t in_place;
  /// Bytes of memory that only the launches see.
  const size_t* scratch;
  size_t scratch_count;
  /// The input that says which row of each sequence is written, as pairs of the first row that is read and that row; or
  /// -1. And the first of two that say positions, or -1.
  int places;
  int positions;
} mlx_program_parts;

/// Launches of compiled kernels, one after the other, that are one operation.
typedef struct mlx_program {
  void* p;
} mlx_program;

/// Makes a program for a stream of a GPU. The module is loaded when it first runs. Fails where MLX is not built for CUDA.
MLX_C_API int mlx_program_new(mlx_program* out, mlx_program_parts parts, mlx_stream s) MLX_C_NOEXCEPT;

/// Records it. Inputs that are not row-major without gaps are copied, but for those whose memory is written, which must be.
MLX_C_API int mlx_program_call(mlx_array_vector* out, mlx_program program, mlx_arrays inputs) MLX_C_NOEXCEPT;

/// Records it, where it has one output.
MLX_C_API int mlx_program_call_one(mlx_array* out, mlx_program program, mlx_arrays inputs) MLX_C_NOEXCEPT;

/// Releases it. Null is ignored.
MLX_C_API void mlx_program_free(mlx_program program) MLX_C_NOEXCEPT;

/// A step of a loop on a GPU that is captured as a CUDA graph or a few, and launched again for the next.
typedef struct mlx_replay {
  void* p;
} mlx_replay;

/// Nothing yet. `module` has a function `prepare(int* to, const int* from, int count, values...)`, which writes `count`
/// numbers of 32 bits and behind them 64 values.
MLX_C_API int mlx_replay_new(mlx_replay* out, mlx_string module, mlx_stream s) MLX_C_NOEXCEPT;

/// Compares the recorded graph of `output` with that of the step before. If they differ in nothing but `input` and what
/// `values` tell, captures it, computes it, and writes an array of its value to `out`; otherwise null.
///
/// `values` are, for each program of the graph that has places, these; then positions, one per row.
MLX_C_API int mlx_replay_offer(mlx_array* out, mlx_replay replay, mlx_array output, mlx_array input,
                               const int32_t* values, size_t value_count, size_t rows) MLX_C_NOEXCEPT;

/// Launches what was captured, with another `input` and other values. Writes null where that is not possible: nothing has
/// been captured, the input or the number of values is another, or memory has moved.
MLX_C_API int mlx_replay_launch(mlx_array* out, mlx_replay replay, mlx_array input, const int32_t* values,
                                size_t value_count) MLX_C_NOEXCEPT;

/// Whether what was captured writes to just the memory of arrays with these ids, program by program.
MLX_C_API int mlx_replay_writes(bool* out, mlx_replay replay, const uintptr_t* ids, size_t count) MLX_C_NOEXCEPT;

/// Forgets what was captured.
MLX_C_API int mlx_replay_reset(mlx_replay replay) MLX_C_NOEXCEPT;

/// Releases it. Null is ignored.
MLX_C_API void mlx_replay_free(mlx_replay replay) MLX_C_NOEXCEPT;

MLX_C_END

#endif
