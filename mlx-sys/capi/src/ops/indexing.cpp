#include "mlx_capi/ops/indexing.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_slice(mlx_array* out, mlx_array a, mlx_ints start, mlx_ints stop, mlx_ints strides,
              mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::slice(get(a), as_shape(start), as_shape(stop), as_shape(strides), get(s))); });
}

int mlx_slice_dynamic(mlx_array* out, mlx_array a, mlx_array start, mlx_ints axes, mlx_ints slice_size,
                      mlx_stream s) noexcept {
  return guard([&] { put(out, mx::slice(get(a), get(start), as_ints(axes), as_shape(slice_size), get(s))); });
}

int mlx_slice_update(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                     mlx_ints strides, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::slice_update(get(src), get(update), as_shape(start), as_shape(stop), as_shape(strides), get(s)));
  });
}

int mlx_slice_update_dynamic(mlx_array* out, mlx_array src, mlx_array update, mlx_array start, mlx_ints axes,
                             mlx_stream s) noexcept {
  return guard([&] { put(out, mx::slice_update(get(src), get(update), get(start), as_ints(axes), get(s))); });
}

int mlx_slice_update_add(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                         mlx_ints strides, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::slice_update_add(get(src), get(update), as_shape(start), as_shape(stop), as_shape(strides),
                                  get(s)));
  });
}

int mlx_slice_update_prod(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                          mlx_ints strides, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::slice_update_prod(get(src), get(update), as_shape(start), as_shape(stop), as_shape(strides),
                                   get(s)));
  });
}

int mlx_slice_update_max(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                         mlx_ints strides, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::slice_update_max(get(src), get(update), as_shape(start), as_shape(stop), as_shape(strides),
                                  get(s)));
  });
}

int mlx_slice_update_min(mlx_array* out, mlx_array src, mlx_array update, mlx_ints start, mlx_ints stop,
                         mlx_ints strides, mlx_stream s) noexcept {
  return guard([&] {
    put(out, mx::slice_update_min(get(src), get(update), as_shape(start), as_shape(stop), as_shape(strides),
                                  get(s)));
  });
}

int mlx_take(mlx_array* out, mlx_array a, mlx_array indices, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::take(get(a), get(indices), axis, get(s))); });
}

int mlx_take_flat(mlx_array* out, mlx_array a, mlx_array indices, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::take(get(a), get(indices), get(s))); });
}

int mlx_take_along_axis(mlx_array* out, mlx_array a, mlx_array indices, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::take_along_axis(get(a), get(indices), axis, get(s))); });
}

int mlx_put_along_axis(mlx_array* out, mlx_array a, mlx_array indices, mlx_array values, int axis,
                       mlx_stream s) noexcept {
  return guard([&] { put(out, mx::put_along_axis(get(a), get(indices), get(values), axis, get(s))); });
}

int mlx_scatter_add_axis(mlx_array* out, mlx_array a, mlx_array indices, mlx_array values, int axis,
                         mlx_stream s) noexcept {
  return guard([&] { put(out, mx::scatter_add_axis(get(a), get(indices), get(values), axis, get(s))); });
}

int mlx_gather(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_ints axes, mlx_ints slice_sizes,
               mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::gather(get(a), get(indices), as_ints(axes), as_shape(slice_sizes), get(s))); });
}

int mlx_scatter(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                mlx_stream s) noexcept {
  return guard([&] { put(out, mx::scatter(get(a), get(indices), get(updates), as_ints(axes), get(s))); });
}

int mlx_scatter_add(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                    mlx_stream s) noexcept {
  return guard([&] { put(out, mx::scatter_add(get(a), get(indices), get(updates), as_ints(axes), get(s))); });
}

int mlx_scatter_prod(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                     mlx_stream s) noexcept {
  return guard(
      [&] { put(out, mx::scatter_prod(get(a), get(indices), get(updates), as_ints(axes), get(s))); });
}

int mlx_scatter_max(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                    mlx_stream s) noexcept {
  return guard([&] { put(out, mx::scatter_max(get(a), get(indices), get(updates), as_ints(axes), get(s))); });
}

int mlx_scatter_min(mlx_array* out, mlx_array a, mlx_arrays indices, mlx_array updates, mlx_ints axes,
                    mlx_stream s) noexcept {
  return guard([&] { put(out, mx::scatter_min(get(a), get(indices), get(updates), as_ints(axes), get(s))); });
}

int mlx_masked_scatter(mlx_array* out, mlx_array a, mlx_array mask, mlx_array src, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::masked_scatter(get(a), get(mask), get(src), get(s))); });
}

int mlx_diagonal(mlx_array* out, mlx_array a, int offset, int axis1, int axis2, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::diagonal(get(a), offset, axis1, axis2, get(s))); });
}

int mlx_trace(mlx_array* out, mlx_array a, int offset, int axis1, int axis2, mlx_optional_dtype dtype,
              mlx_stream s) noexcept {
  return guard([&] {
    put(out, dtype.has_value ? mx::trace(get(a), offset, axis1, axis2, as_dtype(dtype.value), get(s))
                             : mx::trace(get(a), offset, axis1, axis2, get(s)));
  });
}
