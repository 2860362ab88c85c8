// The types of the C API. Plain C11; every struct is passed by value and moved by memcpy.
#ifndef MLX_CAPI_TYPES_H
#define MLX_CAPI_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define MLX_C_NOEXCEPT noexcept
#define MLX_C_BEGIN extern "C" {
#define MLX_C_END }
#else
#define MLX_C_NOEXCEPT
#define MLX_C_BEGIN
#define MLX_C_END
#endif

#define MLX_C_API __attribute__((visibility("default")))

MLX_C_BEGIN

// Arrays ------------------------------------------------------------------------------------------

/// An array: one counted reference to a node of MLX's graph.
///
/// As an argument the handle is borrowed. As a result it is written to uninitialised memory and owned by
/// the caller, who releases it with `mlx_array_free`. `p[0] == NULL` is the null array; only arguments
/// whose name starts with `opt_` may be null, and it means "not given".
///
/// An array, and every array computed from it, belongs to one thread at a time; `mlx_array_share` makes a
/// handle for another thread.
typedef struct mlx_array {
  void* p[2];
} mlx_array;

/// A borrowed list of arrays.
typedef struct mlx_arrays {
  const mlx_array* data;
  size_t size;
} mlx_arrays;

/// An owned list of arrays; see `mlx_array_vector_take`.
typedef struct mlx_array_vector {
  void* p;
} mlx_array_vector;

/// The element type of an array, in MLX's own order. Constants rather than an enum, so that a type read
/// from anywhere is a valid value until MLX is asked about it.
typedef int32_t mlx_dtype;
static const mlx_dtype MLX_BOOL = 0;
static const mlx_dtype MLX_UINT8 = 1;
static const mlx_dtype MLX_UINT16 = 2;
static const mlx_dtype MLX_UINT32 = 3;
static const mlx_dtype MLX_UINT64 = 4;
static const mlx_dtype MLX_INT8 = 5;
static const mlx_dtype MLX_INT16 = 6;
static const mlx_dtype MLX_INT32 = 7;
static const mlx_dtype MLX_INT64 = 8;
static const mlx_dtype MLX_FLOAT16 = 9;
static const mlx_dtype MLX_FLOAT32 = 10;
static const mlx_dtype MLX_FLOAT64 = 11;
static const mlx_dtype MLX_BFLOAT16 = 12;
static const mlx_dtype MLX_COMPLEX64 = 13;

// Borrowed lists ----------------------------------------------------------------------------------

/// A list of ints: a shape, strides of a convolution, ... Where the name starts with `opt_`, `data == NULL`
/// means "not given".
typedef struct mlx_ints {
  const int* data;
  size_t size;
} mlx_ints;

/// A list of 64-bit ints: the strides of an array, in elements.
typedef struct mlx_int64s {
  const int64_t* data;
  size_t size;
} mlx_int64s;

/// A list of numbers.
typedef struct mlx_doubles {
  const double* data;
  size_t size;
} mlx_doubles;

/// Axes, negative ones counted from the last. `data == NULL` means all axes, which differs from no axes.
typedef struct mlx_axes {
  const int* data;
  size_t size;
} mlx_axes;

/// Text in UTF-8, without a terminator.
typedef struct mlx_string {
  const char* data;
  size_t size;
} mlx_string;

/// A list of texts.
typedef struct mlx_strings {
  const mlx_string* data;
  size_t size;
} mlx_strings;

/// Two ints, for the two spatial axes of an image.
typedef struct mlx_int2 {
  int v[2];
} mlx_int2;

/// Three ints, for the three spatial axes of a volume.
typedef struct mlx_int3 {
  int v[3];
} mlx_int3;

/// What is known of an array before it is computed.
typedef struct mlx_spec {
  mlx_ints shape;
  mlx_dtype dtype;
} mlx_spec;

/// A list of specs: one per output.
typedef struct mlx_specs {
  const mlx_spec* data;
  size_t size;
} mlx_specs;

// Owned lists -------------------------------------------------------------------------------------

/// Text owned by the caller; release it with `mlx_owned_string_free`. No terminator.
typedef struct mlx_owned_string {
  char* data;
  size_t size;
} mlx_owned_string;

/// Ints owned by the caller; release them with `mlx_int_vector_free`.
typedef struct mlx_int_vector {
  int* data;
  size_t size;
} mlx_int_vector;

// Optional values ---------------------------------------------------------------------------------

typedef struct mlx_optional_int {
  int value;
  bool has_value;
} mlx_optional_int;

typedef struct mlx_optional_float {
  float value;
  bool has_value;
} mlx_optional_float;

typedef struct mlx_optional_double {
  double value;
  bool has_value;
} mlx_optional_double;

typedef struct mlx_optional_bool {
  bool value;
  bool has_value;
} mlx_optional_bool;

typedef struct mlx_optional_dtype {
  mlx_dtype value;
  bool has_value;
} mlx_optional_dtype;

// Devices and streams -----------------------------------------------------------------------------

typedef int32_t mlx_device_type;
static const mlx_device_type MLX_CPU = 0;
static const mlx_device_type MLX_GPU = 1;

/// A processor: its type and its number among those of that type.
typedef struct mlx_device {
  mlx_device_type type;
  int index;
} mlx_device;

/// A queue of work on a device. Every operation names the stream it will run on.
typedef struct mlx_stream {
  int index;
  mlx_device device;
} mlx_stream;

MLX_C_END

#endif
