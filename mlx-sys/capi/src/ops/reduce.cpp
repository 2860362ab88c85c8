#include "mlx_capi/ops/reduce.h"

#include "convert.h"

using namespace mlx_capi;

#define REDUCTION(function, op)                                                                            \
  int function(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, mlx_stream s) noexcept {         \
    return guard([&] {                                                                                     \
      put(out,                                                                                             \
          axes.data ? mx::op(get(a), as_ints(axes), keepdims, get(s)) : mx::op(get(a), keepdims, get(s))); \
    });                                                                                                    \
  }

REDUCTION(mlx_all, all)
REDUCTION(mlx_any, any)
REDUCTION(mlx_sum, sum)
REDUCTION(mlx_prod, prod)
REDUCTION(mlx_max, max)
REDUCTION(mlx_min, min)
REDUCTION(mlx_mean, mean)
REDUCTION(mlx_median, median)
REDUCTION(mlx_logsumexp, logsumexp)
REDUCTION(mlx_count_nonzero, count_nonzero)

int mlx_minmax(mlx_array* out_min, mlx_array* out_max, mlx_array a, mlx_axes axes, bool keepdims,
               mlx_stream s) noexcept {
  return guard([&] {
    put(out_min, out_max,
        axes.data ? mx::minmax(get(a), as_ints(axes), keepdims, get(s))
                  : mx::minmax(get(a), keepdims, get(s)));
  });
}

int mlx_var(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, int ddof, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::var(get(a), as_ints(axes), keepdims, ddof, get(s))
                       : mx::var(get(a), keepdims, ddof, get(s)));
  });
}

int mlx_std(mlx_array* out, mlx_array a, mlx_axes axes, bool keepdims, int ddof, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::std(get(a), as_ints(axes), keepdims, ddof, get(s))
                       : mx::std(get(a), keepdims, ddof, get(s)));
  });
}

int mlx_argmin(mlx_array* out, mlx_array a, mlx_optional_int axis, bool keepdims, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::argmin(get(a), axis.value, keepdims, get(s))
                            : mx::argmin(get(a), keepdims, get(s)));
  });
}

int mlx_argmax(mlx_array* out, mlx_array a, mlx_optional_int axis, bool keepdims, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::argmax(get(a), axis.value, keepdims, get(s))
                            : mx::argmax(get(a), keepdims, get(s)));
  });
}

int mlx_softmax(mlx_array* out, mlx_array a, mlx_axes axes, bool precise, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axes.data ? mx::softmax(get(a), as_ints(axes), precise, get(s))
                       : mx::softmax(get(a), precise, get(s)));
  });
}

int mlx_array_equal(mlx_array* out, mlx_array a, mlx_array b, bool equal_nan, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::array_equal(get(a), get(b), equal_nan, get(s))); });
}

int mlx_allclose(mlx_array* out, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan,
                 mlx_stream s) noexcept {
  return guard([&] { put(out, mx::allclose(get(a), get(b), rtol, atol, equal_nan, get(s))); });
}

int mlx_cumsum(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
               mlx_optional_dtype dtype, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::cumsum(get(a), axis.value, reverse, inclusive, get(dtype), get(s))
                            : mx::cumsum(get(a), reverse, inclusive, get(dtype), get(s)));
  });
}

int mlx_cumprod(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                mlx_optional_dtype dtype, mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::cumprod(get(a), axis.value, reverse, inclusive, get(dtype), get(s))
                            : mx::cumprod(get(a), reverse, inclusive, get(dtype), get(s)));
  });
}

int mlx_cummax(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
               mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::cummax(get(a), axis.value, reverse, inclusive, get(s))
                            : mx::cummax(get(a), reverse, inclusive, get(s)));
  });
}

int mlx_cummin(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
               mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::cummin(get(a), axis.value, reverse, inclusive, get(s))
                            : mx::cummin(get(a), reverse, inclusive, get(s)));
  });
}

int mlx_logcumsumexp(mlx_array* out, mlx_array a, mlx_optional_int axis, bool reverse, bool inclusive,
                     mlx_stream s) noexcept {
  return guard([&] {
    put(out, axis.has_value ? mx::logcumsumexp(get(a), axis.value, reverse, inclusive, get(s))
                            : mx::logcumsumexp(get(a), reverse, inclusive, get(s)));
  });
}

int mlx_diff(mlx_array* out, mlx_array a, int n, int axis, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::diff(get(a), n, axis, get(s))); });
}

#undef REDUCTION
