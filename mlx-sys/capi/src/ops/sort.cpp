#include "mlx_capi/ops/sort.h"

#include "convert.h"

using namespace mlx_capi;

int mlx_sort(mlx_array* out, mlx_array a, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard(
      [&] { put(out, axis.has_value ? mx::sort(get(a), axis.value, get(s)) : mx::sort(get(a), get(s))); });
}

int mlx_argsort(mlx_array* out, mlx_array a, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::argsort(get(a), axis.value, get(s)) : mx::argsort(get(a), get(s)));
  });
}

int mlx_partition(mlx_array* out, mlx_array a, int kth, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        axis.has_value ? mx::partition(get(a), kth, axis.value, get(s)) : mx::partition(get(a), kth, get(s)));
  });
}

int mlx_argpartition(mlx_array* out, mlx_array a, int kth, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::argpartition(get(a), kth, axis.value, get(s))
                            : mx::argpartition(get(a), kth, get(s)));
  });
}

int mlx_topk(mlx_array* out, mlx_array a, int k, mlx_optional_int axis, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::topk(get(a), k, axis.value, get(s)) : mx::topk(get(a), k, get(s)));
  });
}

int mlx_searchsorted(mlx_array* out, mlx_array sorted_sequence, mlx_array values, mlx_string side,
                     mlx_stream s) noexcept {
  return guard([&] { put(out, mx::searchsorted(get(sorted_sequence), get(values), get(side), get(s))); });
}

int mlx_unique(mlx_array_vector* out, mlx_array a, int size, bool return_index, bool return_inverse,
               bool return_counts, mlx_array opt_fill_value, mlx_stream s) noexcept {
  return guard([&] {
    put(out,
        mx::unique(get(a), size, return_index, return_inverse, return_counts, opt(opt_fill_value), get(s)));
  });
}
