// Reading and writing parts of an array.
//
// MLX does not check indices held in arrays: one that is out of range (negative ones count from the end)
// reads or writes foreign memory. Callers check them.
#ifndef MLX_CAPI_OPS_INDEXING_H
#define MLX_CAPI_OPS_INDEXING_H

#include "../types.h"

MLX_C_BEGIN

// Slices. `stop` is excluded; strides may be negative ---------------------------------------------

/// The elements from `start` to `stop` by `strides`, one of each per axis.
MLX_C_API int mlx_slice(mlx_array* out, mlx_array a, mlx_ints start, mlx_ints stop, mlx_ints strides,
                        mlx_stream s) MLX_C_NOEXCEPT;

/// A slice of `slice_size` (one per axis of `a`) whose start on the given axes is computed: `start` is a
/// 1-D integer array.
MLX_C_API int mlx_slice_dynamic(mlx_array* out, mlx_array a, mlx_array start, mlx_ints axes,
                                mlx_ints slice_size, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with a slice replaced by `update`, which is broadcast to it.
MLX_C_API int mlx_slice_update(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                               mlx_ints strides, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with the slice of the shape of `update` at a computed start replaced.
MLX_C_API int mlx_slice_update_dynamic(mlx_array* out, mlx_array src, mlx_array update, mlx_array start,
                                       mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with `update` added to a slice.
MLX_C_API int mlx_slice_update_add(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start,
                                   mlx_ints stop, mlx_ints strides, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with a slice multiplied by `update`.
MLX_C_API int mlx_slice_update_prod(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start,
                                    mlx_ints stop, mlx_ints strides, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with a slice replaced by the larger of itself and `update`.
MLX_C_API int mlx_slice_update_max(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start,
                                   mlx_ints stop, mlx_ints strides, mlx_stream s) MLX_C_NOEXCEPT;

/// `src` with a slice replaced by the smaller of itself and `update`.
MLX_C_API int mlx_slice_update_min(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start,
                                   mlx_ints stop, mlx_ints strides, mlx_stream s) MLX_C_NOEXCEPT;

// Along one axis ----------------------------------------------------------------------------------

/// The slices of `a` at the indices: the axis is replaced by the axes of `indices`.
MLX_C_API int mlx_take(mlx_array* out, mlx_array a, mlx_array indices, int axis, mlx_stream s) MLX_C_NOEXCEPT;

/// The elements of the flattened array at the indices, in the shape of `indices`.
MLX_C_API int mlx_take_flat(mlx_array* out, mlx_array a, mlx_array indices, mlx_stream s) MLX_C_NOEXCEPT;

/// One element per index: the other axes of `indices` broadcast with those of `a`.
MLX_C_API int mlx_take_along_axis(mlx_array* out, mlx_array a, mlx_array indices, int axis,
                                  mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with the elements that `take_along_axis` would read replaced by `values`.
MLX_C_API int mlx_put_along_axis(mlx_array* out, mlx_array a, mlx_array indices, mlx_array values, int axis,
                                 mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with `values` added to the elements that `take_along_axis` would read.
MLX_C_API int mlx_scatter_add_axis(mlx_array* out, mlx_array a, mlx_array indices, mlx_array values, int axis,
                                   mlx_stream s) MLX_C_NOEXCEPT;

// Along several axes ------------------------------------------------------------------------------

/// For each position of the broadcast indices the slice of `slice_sizes` at `indices[i]` on `axes[i]`. The
/// result has the axes of the indices, then those of the slice.
MLX_C_API int mlx_gather(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_ints axes, mlx_ints slice_sizes,
                         mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with slices replaced by `updates`, whose axes are those of the broadcast indices, then those of the
/// slices. Where slices overlap, any one of them stays.
MLX_C_API int mlx_scatter(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                          mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with `updates` added to its slices.
MLX_C_API int mlx_scatter_add(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates,
                              mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with its slices multiplied by `updates`.
MLX_C_API int mlx_scatter_prod(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates,
                               mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with the larger of its slices and `updates`.
MLX_C_API int mlx_scatter_max(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates,
                              mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with the smaller of its slices and `updates`.
MLX_C_API int mlx_scatter_min(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates,
                              mlx_ints axes, mlx_stream s) MLX_C_NOEXCEPT;

/// `a` with the elements under the bool `mask` replaced by those of `src`, in order.
MLX_C_API int mlx_masked_scatter(mlx_array* out, mlx_array a, mlx_array mask, mlx_array src,
                                 mlx_stream s) MLX_C_NOEXCEPT;

// Diagonals ---------------------------------------------------------------------------------------

/// The diagonal at `offset` of the planes of two axes, which are replaced by one last axis.
MLX_C_API int mlx_diagonal(mlx_array* out, mlx_array a, int offset, int axis1, int axis2,
                           mlx_stream s) MLX_C_NOEXCEPT;

/// The sum of that diagonal, as `dtype` when given.
MLX_C_API int mlx_trace(mlx_array* out, mlx_array a, int offset, int axis1, int axis2,
                        mlx_optional_dtype dtype, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
