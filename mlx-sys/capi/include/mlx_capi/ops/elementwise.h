// Element by element. Two operands broadcast against each other and are promoted to a common type.
#ifndef MLX_CAPI_OPS_ELEMENTWISE_H
#define MLX_CAPI_OPS_ELEMENTWISE_H

#include "../types.h"

MLX_C_BEGIN

// Arithmetic --------------------------------------------------------------------------------------

/// `a + b`.
MLX_C_API int mlx_add(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a - b`.
MLX_C_API int mlx_subtract(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a * b`.
MLX_C_API int mlx_multiply(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a / b`, floating point also for integers.
MLX_C_API int mlx_divide(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `floor(a / b)`.
MLX_C_API int mlx_floor_divide(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The remainder of `a / b`, with the sign of `b`.
MLX_C_API int mlx_remainder(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// Two arrays: `floor_divide` and `remainder`.
MLX_C_API int mlx_divmod(mlx_array_vector* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a` to the power of `b`.
MLX_C_API int mlx_power(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The larger of the two; NaN if either is.
MLX_C_API int mlx_maximum(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The smaller of the two; NaN if either is.
MLX_C_API int mlx_minimum(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `-a`.
MLX_C_API int mlx_negative(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `a`.
MLX_C_API int mlx_positive(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The absolute value.
MLX_C_API int mlx_abs(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// -1, 0 or 1.
MLX_C_API int mlx_sign(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `1 / a`.
MLX_C_API int mlx_reciprocal(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `a * a`.
MLX_C_API int mlx_square(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The square root.
MLX_C_API int mlx_sqrt(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `1 / sqrt(a)`.
MLX_C_API int mlx_rsqrt(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

// Exponentials and logarithms ---------------------------------------------------------------------

/// `e` to the power of `a`.
MLX_C_API int mlx_exp(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `exp(a) - 1`, exact for small `a`.
MLX_C_API int mlx_expm1(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The natural logarithm.
MLX_C_API int mlx_log(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The logarithm to base 2.
MLX_C_API int mlx_log2(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The logarithm to base 10.
MLX_C_API int mlx_log10(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `log(1 + a)`, exact for small `a`.
MLX_C_API int mlx_log1p(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `log(exp(a) + exp(b))`, without overflow.
MLX_C_API int mlx_logaddexp(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `1 / (1 + exp(-a))`.
MLX_C_API int mlx_sigmoid(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The error function.
MLX_C_API int mlx_erf(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse of the error function.
MLX_C_API int mlx_erfinv(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

// Trigonometry ------------------------------------------------------------------------------------

/// The sine.
MLX_C_API int mlx_sin(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The cosine.
MLX_C_API int mlx_cos(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The tangent.
MLX_C_API int mlx_tan(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse sine.
MLX_C_API int mlx_arcsin(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse cosine.
MLX_C_API int mlx_arccos(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse tangent.
MLX_C_API int mlx_arctan(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The angle of the point `(b, a)`.
MLX_C_API int mlx_arctan2(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// The hyperbolic sine.
MLX_C_API int mlx_sinh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The hyperbolic cosine.
MLX_C_API int mlx_cosh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The hyperbolic tangent.
MLX_C_API int mlx_tanh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse hyperbolic sine.
MLX_C_API int mlx_arcsinh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse hyperbolic cosine.
MLX_C_API int mlx_arccosh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The inverse hyperbolic tangent.
MLX_C_API int mlx_arctanh(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Radians to degrees.
MLX_C_API int mlx_degrees(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Degrees to radians.
MLX_C_API int mlx_radians(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

// Rounding and replacing --------------------------------------------------------------------------

/// Rounded down.
MLX_C_API int mlx_floor(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Rounded up.
MLX_C_API int mlx_ceil(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Rounded towards zero.
MLX_C_API int mlx_trunc(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Rounded to a number of decimals, halves to even.
MLX_C_API int mlx_round(mlx_array* out, mlx_array a, int decimals, mlx_stream s) MLX_C_NOEXCEPT;

/// Limited to at least `opt_a_min` and at most `opt_a_max`, either of which may be missing.
MLX_C_API int mlx_clip(mlx_array* out, mlx_array a, mlx_array opt_a_min, mlx_array opt_a_max,
                       mlx_stream s) MLX_C_NOEXCEPT;

/// NaN and infinities replaced; an infinity by the largest finite number when its value is not given.
MLX_C_API int mlx_nan_to_num(mlx_array* out, mlx_array a, float nan, mlx_optional_float posinf,
                             mlx_optional_float neginf, mlx_stream s) MLX_C_NOEXCEPT;

/// `x` where the condition holds, else `y`.
MLX_C_API int mlx_where(mlx_array* out, mlx_array condition, mlx_array x, mlx_array y,
                        mlx_stream s) MLX_C_NOEXCEPT;

// Comparison (bool results) -----------------------------------------------------------------------

/// `a == b`.
MLX_C_API int mlx_equal(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a != b`.
MLX_C_API int mlx_not_equal(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a > b`.
MLX_C_API int mlx_greater(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a >= b`.
MLX_C_API int mlx_greater_equal(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a < b`.
MLX_C_API int mlx_less(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a <= b`.
MLX_C_API int mlx_less_equal(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `abs(a - b) <= atol + rtol * abs(b)`; infinities of one sign are close.
MLX_C_API int mlx_isclose(mlx_array* out, mlx_array a, mlx_array b, double rtol, double atol, bool equal_nan,
                          mlx_stream s) MLX_C_NOEXCEPT;

/// Whether NaN.
MLX_C_API int mlx_isnan(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether infinite.
MLX_C_API int mlx_isinf(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether positive infinity.
MLX_C_API int mlx_isposinf(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether negative infinity.
MLX_C_API int mlx_isneginf(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether neither NaN nor infinite.
MLX_C_API int mlx_isfinite(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

// Logic (bool results) and bits (integers) --------------------------------------------------------

/// `!a`.
MLX_C_API int mlx_logical_not(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `a && b`.
MLX_C_API int mlx_logical_and(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a || b`.
MLX_C_API int mlx_logical_or(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// Whether exactly one of the two holds.
MLX_C_API int mlx_logical_xor(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `~a`.
MLX_C_API int mlx_bitwise_invert(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// `a & b`.
MLX_C_API int mlx_bitwise_and(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a | b`.
MLX_C_API int mlx_bitwise_or(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a ^ b`.
MLX_C_API int mlx_bitwise_xor(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a << b`.
MLX_C_API int mlx_left_shift(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

/// `a >> b`.
MLX_C_API int mlx_right_shift(mlx_array* out, mlx_array a, mlx_array b, mlx_stream s) MLX_C_NOEXCEPT;

// Complex numbers ---------------------------------------------------------------------------------

/// The complex conjugate.
MLX_C_API int mlx_conjugate(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The real part, float32.
MLX_C_API int mlx_real(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

/// The imaginary part, float32.
MLX_C_API int mlx_imag(mlx_array* out, mlx_array a, mlx_stream s) MLX_C_NOEXCEPT;

MLX_C_END

#endif
