#include "mlx_capi/ops/shape.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_reshape(mlx_array* out, mlx_array a, mlx_ints shape, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::reshape(get(a), as_shape(shape), get(s))); });
}

int mlx_unflatten(mlx_array* out, mlx_array a, int axis, mlx_ints shape, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::unflatten(get(a), axis, as_shape(shape), get(s))); });
}

int mlx_flatten(mlx_array* out, mlx_array a, int start_axis, int end_axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::flatten(get(a), start_axis, end_axis, get(s))); });
}

int mlx_squeeze(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::squeeze(get(a), as_ints(axes), get(s)) : mx::squeeze(get(a), get(s)));
  });
}

int mlx_expand_dims(mlx_array* out, mlx_array a, mlx_ints axes, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::expand_dims(get(a), as_ints(axes), get(s))); });
}

int mlx_broadcast_to(mlx_array* out, mlx_array a, mlx_ints shape, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::broadcast_to(get(a), as_shape(shape), get(s))); });
}

int mlx_broadcast_arrays(mlx_array_vector* out, mlx_arrays inputs, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::broadcast_arrays(get(inputs), get(s))); });
}

int mlx_atleast_1d(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::atleast_1d(get(a), get(s))); });
}

int mlx_atleast_2d(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::atleast_2d(get(a), get(s))); });
}

int mlx_atleast_3d(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::atleast_3d(get(a), get(s))); });
}

int mlx_number_of_elements(mlx_array* out, mlx_array a, mlx_ints axes, bool inverted, mlx_dtype dtype,
                           mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::number_of_elements(get(a), as_ints(axes), inverted, as_dtype(dtype), get(s))); });
}

int mlx_transpose(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::transpose(get(a), as_ints(axes), get(s)) : mx::transpose(get(a), get(s)));
  });
}

int mlx_matrix_transpose(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::matrix_transpose(get(a), get(s))); });
}

int mlx_swapaxes(mlx_array* out, mlx_array a, int axis1, int axis2, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::swapaxes(get(a), axis1, axis2, get(s))); });
}

int mlx_moveaxis(mlx_array* out, mlx_array a, int source, int destination, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::moveaxis(get(a), source, destination, get(s))); });
}

int mlx_flip(mlx_array* out, mlx_array a, mlx_axes axes, mlx_stream s) noexcept {
  return guard(
      [&] { put(out, axes.data ? mx::flip(get(a), as_ints(axes), get(s)) : mx::flip(get(a), get(s))); });
}

int mlx_roll(mlx_array* out, mlx_array a, mlx_ints shift, mlx_axes axes, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::roll(get(a), as_shape(shift), as_ints(axes), get(s))
                       : mx::roll(get(a), as_shape(shift), get(s)));
  });
}

int mlx_concatenate(mlx_array* out, mlx_arrays arrays, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::concatenate(get(arrays), axis, get(s))); });
}

int mlx_stack(mlx_array* out, mlx_arrays arrays, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::stack(get(arrays), axis, get(s))); });
}

int mlx_split(mlx_array_vector* out, mlx_array a, int num_splits, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::split(get(a), num_splits, axis, get(s))); });
}

int mlx_split_sections(mlx_array_vector* out, mlx_array a, mlx_ints indices, int axis,
                       mlx_stream s) noexcept {
  return guard([&] { put(out, mx::split(get(a), as_shape(indices), axis, get(s))); });
}

int mlx_unstack(mlx_array_vector* out, mlx_array a, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::unstack(get(a), axis, get(s))); });
}

int mlx_repeat(mlx_array* out, mlx_array a, int repeats, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::repeat(get(a), repeats, axis.value, get(s))
                            : mx::repeat(get(a), repeats, get(s)));
  });
}

int mlx_tile(mlx_array* out, mlx_array a, mlx_ints reps, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::tile(get(a), as_ints(reps), get(s))); });
}

int mlx_pad(mlx_array* out, mlx_array a, mlx_ints axes, mlx_ints low, mlx_ints high, mlx_array value,
            mlx_string mode, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::pad(get(a), as_ints(axes), as_shape(low), as_shape(high), get(value), get(mode), get(s)));
  });
}

int mlx_astype(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::astype(get(a), as_dtype(dtype), get(s))); });
}

int mlx_view(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::view(get(a), as_dtype(dtype), get(s))); });
}

int mlx_copy(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::copy(get(a), get(s))); });
}

int mlx_contiguous(mlx_array* out, mlx_array a, bool allow_col_major, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::contiguous(get(a), allow_col_major, get(s))); });
}

int mlx_as_strided(mlx_array* out, mlx_array a, mlx_ints shape, mlx_int64s strides, size_t offset,
                   mlx_stream s) noexcept {
  return guard([&] { put(out, mx::as_strided(get(a), as_shape(shape), get(strides), offset, get(s))); });
}

int mlx_stop_gradient(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::stop_gradient(get(a), get(s))); });
}

int mlx_depends(mlx_array_vector* out, mlx_arrays inputs, mlx_arrays dependencies) noexcept {
  return guard([&] { put(out, mx::depends(get(inputs), get(dependencies))); });
}
