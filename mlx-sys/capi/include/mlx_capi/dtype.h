// Element types and how they relate.
#ifndef MLX_CAPI_DTYPE_H
#define MLX_CAPI_DTYPE_H

#include "types.h"

MLX_C_BEGIN

/// A family of element types. `generic` holds `number`, which holds `integer` (signed and unsigned) and
/// `inexact` (real and complex floating point).
typedef int32_t mlx_dtype_category;
static const mlx_dtype_category MLX_COMPLEXFLOATING = 0;
static const mlx_dtype_category MLX_FLOATING = 1;
static const mlx_dtype_category MLX_INEXACT = 2;
static const mlx_dtype_category MLX_SIGNEDINTEGER = 3;
static const mlx_dtype_category MLX_UNSIGNEDINTEGER = 4;
static const mlx_dtype_category MLX_INTEGER = 5;
static const mlx_dtype_category MLX_NUMBER = 6;
static const mlx_dtype_category MLX_GENERIC = 7;

/// The letter of an element type in the formats of NumPy.
typedef int32_t mlx_dtype_kind;
static const mlx_dtype_kind MLX_KIND_BOOL = 0;      // b
static const mlx_dtype_kind MLX_KIND_UNSIGNED = 1;  // u
static const mlx_dtype_kind MLX_KIND_SIGNED = 2;    // i
static const mlx_dtype_kind MLX_KIND_FLOAT = 3;     // f
static const mlx_dtype_kind MLX_KIND_COMPLEX = 4;   // c
static const mlx_dtype_kind MLX_KIND_VOID = 5;      // V: bfloat16

/// The number of bytes of an element.
MLX_C_API int mlx_size_of(size_t* out, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// The letter of the type.
MLX_C_API int mlx_kindof(mlx_dtype_kind* out, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// The smallest type that holds the values of both, as operations on two arrays produce it.
MLX_C_API int mlx_promote_types(mlx_dtype* out, mlx_dtype a, mlx_dtype b) MLX_C_NOEXCEPT;

/// Whether the types are the same.
MLX_C_API int mlx_issubdtype(bool* out, mlx_dtype a, mlx_dtype b) MLX_C_NOEXCEPT;

/// Whether the type belongs to the family.
MLX_C_API int mlx_issubdtype_category(bool* out, mlx_dtype a, mlx_dtype_category b) MLX_C_NOEXCEPT;

/// Whether one family is part of another.
MLX_C_API int mlx_issubdtype_categories(bool* out, mlx_dtype_category a, mlx_dtype_category b) MLX_C_NOEXCEPT;

MLX_C_END

#endif
