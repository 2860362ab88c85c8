// Arrays in files.
//
// Loaded arrays are lazy: the file is read when they are evaluated, on stream `s`, which belongs to a CPU
// device, or to the GPU in a CUDA build. GGUF is not bound: MLX aborts the process on a malformed file.
#ifndef MLX_CAPI_IO_H
#define MLX_CAPI_IO_H

#include "types.h"

MLX_C_BEGIN

// NumPy's .npy --------------------------------------------------------------------------------------

/// The array in a file.
MLX_C_API int mlx_load(mlx_array* out, mlx_string path, mlx_stream s) MLX_C_NOEXCEPT;

/// Evaluates an array and writes it to a file; `.npy` is appended to a path that does not end so.
MLX_C_API int mlx_save(mlx_string path, mlx_array a) MLX_C_NOEXCEPT;

// safetensors -------------------------------------------------------------------------------------

/// The contents of a safetensors file: arrays and metadata by name, in alphabetical order.
typedef struct mlx_safetensors {
  void* p;
} mlx_safetensors;

/// Reads the header of a file.
MLX_C_API int mlx_load_safetensors(mlx_safetensors* out, mlx_string path, mlx_stream s) MLX_C_NOEXCEPT;

/// Evaluates the arrays and writes them to a file; `.safetensors` is appended to a path that does not end
/// so. Keys and values pair up by position.
MLX_C_API int mlx_save_safetensors(mlx_string path, mlx_strings names, mlx_arrays arrays,
                                   mlx_strings metadata_names, mlx_strings metadata_values) MLX_C_NOEXCEPT;

/// The number of arrays, those already taken included.
MLX_C_API size_t mlx_safetensors_size(mlx_safetensors f) MLX_C_NOEXCEPT;

/// The name of array `i`, valid until `f` is released.
MLX_C_API int mlx_safetensors_name(mlx_string* out, mlx_safetensors f, size_t i) MLX_C_NOEXCEPT;

/// Moves array `i` out. Each can be taken once.
MLX_C_API int mlx_safetensors_take(mlx_array* out, mlx_safetensors f, size_t i) MLX_C_NOEXCEPT;

/// The number of metadata entries.
MLX_C_API size_t mlx_safetensors_metadata_size(mlx_safetensors f) MLX_C_NOEXCEPT;

/// Name and value of metadata entry `i`, valid until `f` is released.
MLX_C_API int mlx_safetensors_metadata(mlx_string* out_name, mlx_string* out_value, mlx_safetensors f,
                                       size_t i) MLX_C_NOEXCEPT;

/// Releases the contents and the arrays left in them. Null is ignored.
MLX_C_API void mlx_safetensors_free(mlx_safetensors f) MLX_C_NOEXCEPT;

MLX_C_END

#endif
