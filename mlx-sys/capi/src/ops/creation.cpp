#include "mlx_capi/ops/creation.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_arange(mlx_array* out, double start, double stop, double step, mlx_dtype dtype,
               mlx_stream s) noexcept {
  return guard([&] { put(out, mx::arange(start, stop, step, as_dtype(dtype), get(s))); });
}

int mlx_linspace(mlx_array* out, double start, double stop, int num, bool endpoint, mlx_dtype dtype,
                 mlx_stream s) noexcept {
  return guard([&] { put(out, mx::linspace(start, stop, num, endpoint, as_dtype(dtype), get(s))); });
}

int mlx_full(mlx_array* out, mlx_ints shape, mlx_array vals, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::full(as_shape(shape), get(vals), as_dtype(dtype), get(s))); });
}

int mlx_full_like(mlx_array* out, mlx_array a, mlx_array vals, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::full_like(get(a), get(vals), as_dtype(dtype), get(s))); });
}

int mlx_zeros(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::zeros(as_shape(shape), as_dtype(dtype), get(s))); });
}

int mlx_zeros_like(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::zeros_like(get(a), as_dtype(dtype), get(s))); });
}

int mlx_ones(mlx_array* out, mlx_ints shape, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::ones(as_shape(shape), as_dtype(dtype), get(s))); });
}

int mlx_ones_like(mlx_array* out, mlx_array a, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::ones_like(get(a), as_dtype(dtype), get(s))); });
}

int mlx_meshgrid(mlx_array_vector* out, mlx_arrays arrays, bool sparse, mlx_string indexing,
                 mlx_stream s) noexcept {
  return guard([&] { put(out, mx::meshgrid(get(arrays), sparse, get(indexing), get(s))); });
}

int mlx_eye(mlx_array* out, int n, int m, int k, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::eye(n, m, k, as_dtype(dtype), get(s))); });
}

int mlx_identity(mlx_array* out, int n, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::identity(n, as_dtype(dtype), get(s))); });
}

int mlx_tri(mlx_array* out, int n, int m, int k, mlx_dtype dtype, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::tri(n, m, k, as_dtype(dtype), get(s))); });
}

int mlx_tril(mlx_array* out, mlx_array x, int k, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::tril(get(x), k, get(s))); });
}

int mlx_triu(mlx_array* out, mlx_array x, int k, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::triu(get(x), k, get(s))); });
}

int mlx_diag(mlx_array* out, mlx_array a, int k, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::diag(get(a), k, get(s))); });
}

int mlx_hanning(mlx_array* out, int m, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::hanning(m, get(s))); });
}

int mlx_hamming(mlx_array* out, int m, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::hamming(m, get(s))); });
}

int mlx_bartlett(mlx_array* out, int m, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::bartlett(m, get(s))); });
}

int mlx_blackman(mlx_array* out, int m, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::blackman(m, get(s))); });
}
