// Shape, order, type and layout of an array; joining and splitting arrays.
#ifndef MLX_CAPI_OPS_SHAPE_H
#define MLX_CAPI_OPS_SHAPE_H

#include "../types.h"

MLX_C_BEGIN

// Shape -------------------------------------------------------------------------------------------

/// The same elements in another shape; one size may be -1 and is inferred.
MLX_C_API int mlx_reshape(mlx_array* out, mlx_array a, mlx_ints shape, mlx_stream s) MLX_C_NOEXCEPT;

/// One axis split into several; one size may be -1 and is inferred.
MLX_C_API int mlx_unflatten(mlx_array* out, mlx_array a, int axis, mlx_ints shape,
                            mlx_stream s) MLX_C_NOEXCEPT;

/// The axes `start_axis` to `end_axis`, both included, merged into one.
MLX_C_API int mlx_flatten(mlx_array* out, mlx_array a, int start_axis, int end_axis,
                          mlx_stream s) MLX_C_NOEXCEPT;

/// Removes axes of size 1: the given ones, or all of them.
MLX_C_API int mlx_squeeze(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) MLX_C_NOEXCEPT;

/// Adds axes of size 1; `axes` are positions in the result.
MLX_C_API int mlx_expand_dims(mlx_array* out, mlx_array a, mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// The array repeated, without copying, to a shape it broadcasts to.
MLX_C_API int mlx_broadcast_to(mlx_array* out, mlx_array a, mlx_ints shape, mlx_stream s) MLX_C_NOEXCEPT;

/// All arrays broadcast to their common shape.
MLX_C_API int mlx_broadcast_arrays(mlx_array_vector* out, mlx_arrays inputs, mlx_stream s) MLX_C_NOEXCEPT;

/// The array with at least one axis.
MLX_C_API int mlx_atleast_1d(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The array with at least two axes.
MLX_C_API int mlx_atleast_2d(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The array with at least three axes.
MLX_C_API int mlx_atleast_3d(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The product of the sizes of the axes (or its inverse) as a scalar; follows the input in shapeless
/// compilation.
MLX_C_API int mlx_number_of_elements(mlx_array* out, mlx_array a, mlx_ints axes, bool inverted,
                                     mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

// Order of axes and elements ----------------------------------------------------------------------

/// The axes in the given order, or reversed.
MLX_C_API int mlx_transpose(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) MLX_C_NOEXCEPT;

/// The last two axes swapped.
MLX_C_API int mlx_matrix_transpose(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Two axes swapped.
MLX_C_API int mlx_swapaxes(mlx_array* out, mlx_array a, int axis1, int axis2, mlx_stream s) MLX_C_NOEXCEPT;

/// One axis moved, the others kept in order.
MLX_C_API int mlx_moveaxis(mlx_array* out, mlx_array a, int source, int destination,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The elements in reverse order along the axes.
MLX_C_API int mlx_flip(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) MLX_C_NOEXCEPT;

/// Elements moved by `shift` along each axis, those pushed out entering at the other end. Without axes the
/// array is rolled as if flattened.
MLX_C_API int mlx_roll(mlx_array* out, mlx_array a, mlx_ints shift, mlx_axes axes,
                       mlx_stream s) MLX_C_NOEXCEPT;

// Joining and splitting ---------------------------------------------------------------------------

/// The arrays one after another along an existing axis.
MLX_C_API int mlx_concatenate(mlx_array* out, mlx_arrays arrays, int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// The arrays one after another along a new axis.
MLX_C_API int mlx_stack(mlx_array* out, mlx_arrays arrays, int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// `num_splits` parts of equal size.
MLX_C_API int mlx_split(mlx_array_vector* out, mlx_array a, int num_splits, int axis,
                        mlx_stream s) MLX_C_NOEXCEPT;

/// The parts between the given indices; `n` indices make `n + 1` parts.
MLX_C_API int mlx_split_sections(mlx_array_vector* out, mlx_array a, mlx_ints indices, int axis,
                                 mlx_stream s) MLX_C_NOEXCEPT;

/// The slices along an axis, which is removed.
MLX_C_API int mlx_unstack(mlx_array_vector* out, mlx_array a, int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// Each element repeated along the axis, or in the flattened array.
MLX_C_API int mlx_repeat(mlx_array* out, mlx_array a, int repeats, mlx_optional_int axis,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// The whole array repeated `reps` times along each axis.
MLX_C_API int mlx_tile(mlx_array* out, mlx_array a, mlx_ints reps, mlx_stream s) MLX_C_NOEXCEPT;

/// `low` and `high` elements added before and after each of the axes. `mode` is "constant" (the scalar
/// `value`), "edge" (the outermost element), "reflect" or "symmetric" (mirrored without or with it).
MLX_C_API int mlx_pad(mlx_array* out, mlx_array a, mlx_ints axes, mlx_ints low, mlx_ints high,
                      mlx_array value, mlx_string mode, mlx_stream s) MLX_C_NOEXCEPT;

// Type and layout ---------------------------------------------------------------------------------

/// The elements converted to another type.
MLX_C_API int mlx_astype(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// The same bytes seen as another type; the last axis is rescaled when the sizes differ.
MLX_C_API int mlx_view(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

/// A copy in new memory.
MLX_C_API int mlx_copy(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The array with its elements in row-major order, copied only when needed; column-major order is accepted
/// on request.
MLX_C_API int mlx_contiguous(mlx_array* out, mlx_array a, bool allow_col_major, mlx_stream s) MLX_C_NOEXCEPT;

/// A view of the buffer with any shape, strides and offset, in elements. Nothing checks that it stays
/// inside the buffer.
MLX_C_API int mlx_as_strided(mlx_array* out, mlx_array a, mlx_ints shape, mlx_int64s strides, size_t offset,
                             mlx_stream s) MLX_C_NOEXCEPT;

// The graph ---------------------------------------------------------------------------------------

/// The array as a constant: no gradient flows back through it.
MLX_C_API int mlx_stop_gradient(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inputs again, computed only after the dependencies have been.
MLX_C_API int mlx_depends(mlx_array_vector* out, mlx_arrays inputs, mlx_arrays dependencies) MLX_C_NOEXCEPT;

MLX_C_END

#endif
