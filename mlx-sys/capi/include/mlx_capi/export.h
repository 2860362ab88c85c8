// Functions in files: what a function computes is recorded for example arguments, and can be called where the
// function itself is not known, by Python or C++ as well.
//
// The overloads of MLX that hand each recorded operation to a callback are not bound.
#ifndef MLX_CAPI_EXPORT_H
#define MLX_CAPI_EXPORT_H

#include "types.h"

MLX_C_BEGIN

/// A function of arrays by position and arrays by name, given to MLX. As `mlx_closure` (`transforms.h`), with
/// the names, in alphabetical order, of the arrays in `values`.
typedef struct mlx_closure_kwargs {
  void* ctx;
  int (*call)(void* ctx, mlx_arrays args, mlx_strings names, mlx_arrays values, mlx_array_vector* out);
  void (*drop)(void* ctx);
} mlx_closure_kwargs;

// Writing -----------------------------------------------------------------------------------------

/// A file being written. It belongs to the thread that made it.
typedef struct mlx_exporter {
  void* p;
} mlx_exporter;

/// Records `f` for the given arguments in the file at `path`: for their shapes and types only, or with
/// `shapeless` for all arguments of their types and numbers of axes. Names pair up with values by position.
/// Arrays that `f` uses without being passed them are written too.
MLX_C_API int mlx_export_function(mlx_string path, mlx_closure_kwargs f, mlx_arrays args, mlx_strings names,
                                  mlx_arrays values, bool shapeless, mlx_string metadata) MLX_C_NOEXCEPT;

/// Begins a file that will hold `f` for several kinds of arguments.
MLX_C_API int mlx_exporter_new(mlx_exporter* out, mlx_string path, mlx_closure_kwargs f, bool shapeless,
                               mlx_string metadata) MLX_C_NOEXCEPT;

/// Records the function for the given arguments. After a failure the file is of no use, and nothing can be
/// added.
MLX_C_API int mlx_exporter_add(mlx_exporter e, mlx_arrays args, mlx_strings names,
                               mlx_arrays values) MLX_C_NOEXCEPT;

/// Refuses further arguments.
MLX_C_API int mlx_exporter_close(mlx_exporter e) MLX_C_NOEXCEPT;

/// Closes the file. Null is ignored.
MLX_C_API void mlx_exporter_free(mlx_exporter e) MLX_C_NOEXCEPT;

// Reading -----------------------------------------------------------------------------------------

/// A function from a file. It belongs to the thread that made it.
typedef struct mlx_imported_function {
  void* p;
} mlx_imported_function;

/// Reads the function in a file; arrays in it are read when they are needed.
///
/// The file is trusted like code: operations are run with the shapes, types and parameters that it says, and
/// nobody checks that they fit, nor, when it was written `shapeless`, that the arguments of a call do. Of
/// what can be wrong with a file only what makes it end early, or names no operation, is reported.
MLX_C_API int mlx_import_function(mlx_imported_function* out, mlx_string path) MLX_C_NOEXCEPT;

/// Calls the function with arguments of a kind that it was recorded for, on `s`; what was recorded on another
/// kind of device that is here too runs on the thread's default stream there.
MLX_C_API int mlx_imported_function_call(mlx_array_vector* out, mlx_imported_function f, mlx_arrays args,
                                         mlx_strings names, mlx_arrays values, mlx_stream s) MLX_C_NOEXCEPT;

/// The text that was given when the file was written, valid until `f` is released.
MLX_C_API int mlx_imported_function_metadata(mlx_string* out, mlx_imported_function f) MLX_C_NOEXCEPT;

/// Releases the function. Null is ignored.
MLX_C_API void mlx_imported_function_free(mlx_imported_function f) MLX_C_NOEXCEPT;

MLX_C_END

#endif
