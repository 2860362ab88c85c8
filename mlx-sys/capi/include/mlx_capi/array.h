// Arrays: making, releasing and reading them.
#ifndef MLX_CAPI_ARRAY_H
#define MLX_CAPI_ARRAY_H

#include "types.h"

MLX_C_BEGIN

// Making ------------------------------------------------------------------------------------------

/// An array of the given shape with a copy of the row-major elements at `data`, which needs no alignment.
MLX_C_API int mlx_array_new_data(mlx_array* out, const void* data, mlx_ints shape,
                                 mlx_dtype dtype) MLX_C_NOEXCEPT;

/// A bool scalar.
MLX_C_API int mlx_array_new_bool(mlx_array* out, bool value) MLX_C_NOEXCEPT;

/// A scalar of any dtype from an integer, converted as by a C cast.
MLX_C_API int mlx_array_new_int(mlx_array* out, int64_t value, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// A scalar of any dtype from a floating-point number, converted as by a C cast.
MLX_C_API int mlx_array_new_float(mlx_array* out, double value, mlx_dtype dtype) MLX_C_NOEXCEPT;

/// A complex64 scalar.
MLX_C_API int mlx_array_new_complex(mlx_array* out, float real, float imag) MLX_C_NOEXCEPT;

/// Another reference to the same array.
MLX_C_API int mlx_array_clone(mlx_array* out, mlx_array a) MLX_C_NOEXCEPT;

/// An evaluated array again, over the same memory but with a descriptor of its own, so that another thread
/// may use it while this one uses `a`. Waits for `a`; fails when it is not evaluated or still part of a
/// graph.
MLX_C_API int mlx_array_share(mlx_array* out, mlx_array a) MLX_C_NOEXCEPT;

/// Releases the reference. The null array is ignored.
MLX_C_API void mlx_array_free(mlx_array a) MLX_C_NOEXCEPT;

// Shape and type: known before evaluation ---------------------------------------------------------

/// The number of axes.
MLX_C_API size_t mlx_array_ndim(mlx_array a) MLX_C_NOEXCEPT;

/// The number of elements.
MLX_C_API size_t mlx_array_size(mlx_array a) MLX_C_NOEXCEPT;

/// The number of bytes of one element.
MLX_C_API size_t mlx_array_itemsize(mlx_array a) MLX_C_NOEXCEPT;

/// The number of bytes of all elements: `size * itemsize`.
MLX_C_API size_t mlx_array_nbytes(mlx_array a) MLX_C_NOEXCEPT;

/// The element type.
MLX_C_API mlx_dtype mlx_array_dtype(mlx_array a) MLX_C_NOEXCEPT;

/// `ndim` sizes, valid as long as the array lives.
MLX_C_API const int* mlx_array_shape(mlx_array a) MLX_C_NOEXCEPT;

// Layout: meaningful once evaluated ---------------------------------------------------------------

/// `ndim` strides in elements, valid until the array is evaluated or released.
MLX_C_API const int64_t* mlx_array_strides(mlx_array a) MLX_C_NOEXCEPT;

/// Where the first element lies in the buffer, in bytes.
MLX_C_API int64_t mlx_array_offset(mlx_array a) MLX_C_NOEXCEPT;

/// The number of elements the array spans in its buffer: fewer than `size` when broadcast, more when
/// strided.
MLX_C_API size_t mlx_array_data_size(mlx_array a) MLX_C_NOEXCEPT;

/// Whether the elements lie in row-major order without gaps.
MLX_C_API bool mlx_array_row_contiguous(mlx_array a) MLX_C_NOEXCEPT;

/// Whether the elements lie in column-major order without gaps.
MLX_C_API bool mlx_array_col_contiguous(mlx_array a) MLX_C_NOEXCEPT;

/// Whether every element of the spanned buffer belongs to the array, in whatever order.
MLX_C_API bool mlx_array_contiguous(mlx_array a) MLX_C_NOEXCEPT;

/// The first element, laid out as shape and strides say. Waits for a scheduled array; fails when the array
/// has not been evaluated. It may be aligned to less than its element type, and is NULL when the array is
/// empty.
MLX_C_API int mlx_array_data(const void** out, mlx_array a) MLX_C_NOEXCEPT;

/// The elements and the type as text, as Python prints them: the middle of long axes is left out.
/// Evaluates the array. Reads what `mlx_set_printoptions` sets, without a lock.
MLX_C_API int mlx_array_to_string(mlx_owned_string* out, mlx_array a) MLX_C_NOEXCEPT;

// The graph ---------------------------------------------------------------------------------------

typedef int32_t mlx_array_state;
/// Nothing has been computed.
static const mlx_array_state MLX_UNSCHEDULED = 0;
/// The computation runs or has run.
static const mlx_array_state MLX_EVALUATED = 1;
/// The elements can be read.
static const mlx_array_state MLX_AVAILABLE = 2;

/// How far the evaluation of the array is.
MLX_C_API mlx_array_state mlx_array_status(mlx_array a) MLX_C_NOEXCEPT;

/// Whether `mlx_array_data` gives the elements of an array in row-major order while other work goes on: it was evaluated,
/// lies so in memory, and nothing else refers to that memory, neither work that has been submitted, which might write it,
/// nor, on CUDA, anything that would notice that the host's access moves it. Waits until the array is computed.
MLX_C_API int mlx_array_is_readable(bool* out, mlx_array a) MLX_C_NOEXCEPT;

/// Whether the elements can be read now, without waiting.
MLX_C_API int mlx_array_is_available(bool* out, mlx_array a) MLX_C_NOEXCEPT;

/// Waits until a scheduled array can be read; fails when it has not been evaluated.
MLX_C_API int mlx_array_wait(mlx_array a) MLX_C_NOEXCEPT;

/// Whether a transformation is recording what is computed from the array.
MLX_C_API bool mlx_array_is_tracer(mlx_array a) MLX_C_NOEXCEPT;

/// Whether the array is the result of an operation that is still part of the graph.
MLX_C_API bool mlx_array_has_primitive(mlx_array a) MLX_C_NOEXCEPT;

/// The name of that operation, valid as long as it is part of the graph.
MLX_C_API int mlx_array_primitive_name(mlx_string* out, mlx_array a) MLX_C_NOEXCEPT;

/// The inputs of that operation; none for a leaf.
MLX_C_API int mlx_array_inputs(mlx_array_vector* out, mlx_array a) MLX_C_NOEXCEPT;

/// A number that no other living array has.
MLX_C_API uintptr_t mlx_array_id(mlx_array a) MLX_C_NOEXCEPT;

// Owned lists -------------------------------------------------------------------------------------

/// A list of clones of the given arrays: how a callback returns its results.
MLX_C_API int mlx_array_vector_new_from(mlx_array_vector* out, mlx_arrays arrays) MLX_C_NOEXCEPT;

/// The number of arrays in the list, those already taken included.
MLX_C_API size_t mlx_array_vector_size(mlx_array_vector v) MLX_C_NOEXCEPT;

/// Moves array `i` out of the list. Each can be taken once.
MLX_C_API int mlx_array_vector_take(mlx_array* out, mlx_array_vector v, size_t i) MLX_C_NOEXCEPT;

/// Releases the list and the arrays left in it. The null list is ignored.
MLX_C_API void mlx_array_vector_free(mlx_array_vector v) MLX_C_NOEXCEPT;

/// A copy of the given ints: how a callback returns axes.
MLX_C_API int mlx_int_vector_new_from(mlx_int_vector* out, mlx_ints values) MLX_C_NOEXCEPT;

/// Releases the ints.
MLX_C_API void mlx_int_vector_free(mlx_int_vector v) MLX_C_NOEXCEPT;

/// Releases the text.
MLX_C_API void mlx_owned_string_free(mlx_owned_string s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
