// Devices and what is known about them.
#ifndef MLX_CAPI_DEVICE_H
#define MLX_CAPI_DEVICE_H

#include "types.h"

MLX_C_BEGIN

/// The process's default device: a GPU when there is one.
MLX_C_API int mlx_default_device(mlx_device* out) MLX_C_NOEXCEPT;

/// Sets the process's default device. Not synchronised: call it before other threads use MLX.
MLX_C_API int mlx_set_default_device(mlx_device d) MLX_C_NOEXCEPT;

/// Whether the device exists and this build of MLX can use it.
MLX_C_API int mlx_is_available(bool* out, mlx_device d) MLX_C_NOEXCEPT;

/// The number of devices of a type.
MLX_C_API int mlx_device_count(int* out, mlx_device_type type) MLX_C_NOEXCEPT;

/// Properties by name, owned by the caller.
typedef struct mlx_info {
  void* p;
} mlx_info;

/// One property: text, or a number.
typedef struct mlx_info_value {
  mlx_string text;
  size_t number;
  bool is_number;
} mlx_info_value;

/// The properties of a device: "device_name" and "architecture" on all; "memory_size", "resource_limit",
/// "max_buffer_length" and "max_recommended_working_set_size" on Metal; "total_memory", "free_memory",
/// "uuid", "pci_bus_id", "compute_capability_major" and "compute_capability_minor" on CUDA.
MLX_C_API int mlx_device_info(mlx_info* out, mlx_device d) MLX_C_NOEXCEPT;

/// The number of properties.
MLX_C_API size_t mlx_info_size(mlx_info info) MLX_C_NOEXCEPT;

/// Property `i` in alphabetical order. Name and text are valid until `info` is released.
MLX_C_API int mlx_info_get(mlx_string* out_name, mlx_info_value* out_value, mlx_info info,
                           size_t i) MLX_C_NOEXCEPT;

/// Releases the properties. Null is ignored.
MLX_C_API void mlx_info_free(mlx_info info) MLX_C_NOEXCEPT;

MLX_C_END

#endif
