#include "mlx_capi/ops/elementwise.h"

#include "convert.h"

using namespace mlx_capi;

#define UNARY(function, op)                                          \
  int function(mlx_array* out, mlx_array a, mlx_stream s) noexcept { \
    return guard([&] { put(out, mx::op(get(a), get(s))); });         \
  }

#define BINARY(function, op)                                                      \
  int function(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) noexcept { \
    return guard([&] { put(out, mx::op(get(a), get(b), get(s))); });              \
  }

BINARY(mlx_add, add)
BINARY(mlx_subtract, subtract)
BINARY(mlx_multiply, multiply)
BINARY(mlx_divide, divide)
BINARY(mlx_floor_divide, floor_divide)
BINARY(mlx_remainder, remainder)

int mlx_divmod(mlx_array_vector* out, mlx_array a, mlx_array b, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::divmod(get(a), get(b), get(s))); });
}

BINARY(mlx_power, power)
BINARY(mlx_maximum, maximum)
BINARY(mlx_minimum, minimum)
UNARY(mlx_negative, negative)
UNARY(mlx_positive, positive)
UNARY(mlx_abs, abs)
UNARY(mlx_sign, sign)
UNARY(mlx_reciprocal, reciprocal)
UNARY(mlx_square, square)
UNARY(mlx_sqrt, sqrt)
UNARY(mlx_rsqrt, rsqrt)
UNARY(mlx_exp, exp)
UNARY(mlx_expm1, expm1)
UNARY(mlx_log, log)
UNARY(mlx_log2, log2)
UNARY(mlx_log10, log10)
UNARY(mlx_log1p, log1p)
BINARY(mlx_logaddexp, logaddexp)
UNARY(mlx_sigmoid, sigmoid)
UNARY(mlx_erf, erf)
UNARY(mlx_erfinv, erfinv)
UNARY(mlx_sin, sin)
UNARY(mlx_cos, cos)
UNARY(mlx_tan, tan)
UNARY(mlx_arcsin, arcsin)
UNARY(mlx_arccos, arccos)
UNARY(mlx_arctan, arctan)
BINARY(mlx_arctan2, arctan2)
UNARY(mlx_sinh, sinh)
UNARY(mlx_cosh, cosh)
UNARY(mlx_tanh, tanh)
UNARY(mlx_arcsinh, arcsinh)
UNARY(mlx_arccosh, arccosh)
UNARY(mlx_arctanh, arctanh)
UNARY(mlx_degrees, degrees)
UNARY(mlx_radians, radians)
UNARY(mlx_floor, floor)
UNARY(mlx_ceil, ceil)
UNARY(mlx_trunc, trunc)

int mlx_round(mlx_array* out, mlx_array a, int decimals, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::round(get(a), decimals, get(s))); });
}

int mlx_clip(mlx_array* out, mlx_array a, mlx_array opt_a_min, mlx_array opt_a_max, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::clip(get(a), opt(opt_a_min), opt(opt_a_max), get(s))); });
}

int mlx_nan_to_num(mlx_array* out, mlx_array a, float nan, mlx_optional_float posinf,
                   mlx_optional_float neginf, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::nan_to_num(get(a), nan, get(posinf), get(neginf), get(s))); });
}

int mlx_where(mlx_array* out, mlx_array condition, mlx_array x, mlx_array y, mlx_stream s) noexcept {
  return guard([&] { put(out, mx::where(get(condition), get(x), get(y), get(s))); });
}

BINARY(mlx_equal, equal)
BINARY(mlx_not_equal, not_equal)
BINARY(mlx_greater, greater)
BINARY(mlx_greater_equal, greater_equal)
BINARY(mlx_less, less)
BINARY(mlx_less_equal, less_equal)

int mlx_isclose(mlx_array* out, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan,
                mlx_stream s) noexcept {
  return guard([&] { put(out, mx::isclose(get(a), get(b), rtol, atol, equal_nan, get(s))); });
}

UNARY(mlx_isnan, isnan)
UNARY(mlx_isinf, isinf)
UNARY(mlx_isposinf, isposinf)
UNARY(mlx_isneginf, isneginf)
UNARY(mlx_isfinite, isfinite)
UNARY(mlx_logical_not, logical_not)
BINARY(mlx_logical_and, logical_and)
BINARY(mlx_logical_or, logical_or)
BINARY(mlx_logical_xor, logical_xor)
UNARY(mlx_bitwise_invert, bitwise_invert)
BINARY(mlx_bitwise_and, bitwise_and)
BINARY(mlx_bitwise_or, bitwise_or)
BINARY(mlx_bitwise_xor, bitwise_xor)
BINARY(mlx_left_shift, left_shift)
BINARY(mlx_right_shift, right_shift)
UNARY(mlx_conjugate, conjugate)
UNARY(mlx_real, real)

int mlx_imag(mlx_array* out, mlx_array a, mlx_stream s) noexcept {
  return guard([&] {
    const array& x = get(a);
    // MLX fills zeros on the default device, whatever the stream.
    const bool is_complex = mx::issubdtype(x.dtype(), mx::complexfloating);
    put(out, is_complex ? mx::imag(x, get(s)) : mx::zeros_like(x, get(s)));
  });
}

#undef UNARY
#undef BINARY
