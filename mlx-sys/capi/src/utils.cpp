#include "mlx_capi/utils.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_finfo(mlx_float_info* out, mlx_dtype dtype) noexcept {
  return guard([&] {
    mx::finfo info(as_dtype(dtype));
    *out = {as_c(info.dtype), info.bits, info.min, info.max, info.eps, info.smallest_normal};
  });
}

int mlx_iinfo(mlx_int_info* out, mlx_dtype dtype) noexcept {
  return guard([&] {
    mx::iinfo info(as_dtype(dtype));
    *out = {as_c(info.dtype), info.min, info.max};
  });
}

int mlx_result_type(mlx_dtype* out, mlx_arrays arrays) noexcept {
  return guard([&] { *out = as_c(mx::result_type(get(arrays))); });
}

int mlx_broadcast_shapes(mlx_int_vector* out, mlx_ints a, mlx_ints b) noexcept {
  return guard([&] { put(out, mx::broadcast_shapes(as_shape(a), as_shape(b))); });
}

int mlx_normalize_axis_index(int* out, int axis, int ndim) noexcept {
  return guard([&] { *out = mx::normalize_axis_index(axis, ndim); });
}

int mlx_set_printoptions(int precision) noexcept {
  return guard([&] { mx::set_printoptions({precision}); });
}
