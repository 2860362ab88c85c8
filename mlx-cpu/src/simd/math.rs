//! Functions that processors have no instructions for.

use super::Simd;
use std::f32::consts::{FRAC_2_SQRT_PI, LOG2_E};

/// `e` to the power of each element, with an error of about one unit in the last place; 0 below -86.6, near where
/// results would be subnormal, and infinity above 88.7.
#[inline(always)]
pub fn exp<S: Simd>(s: S, x: S::F) -> S::F {
    const LEAST: f32 = -86.6;
    const MOST: f32 = 88.722_84;
    // ln 2 in two parts: the high one has few bits, so that its product with an exponent is exact.
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // In this order of arguments NaN stays.
    let inside = s.min(s.splat(MOST), s.max(s.splat(LEAST), x));
    let n = s.round(s.mul(inside, s.splat(LOG2_E)));
    let steps = s.to_float(n);
    let r = s.fma(steps, s.splat(-LN_2_HIGH), inside);
    let r = s.fma(steps, s.splat(-LN_2_LOW), r);
    // |r| < 0.35: these terms of the Taylor series are enough.
    let mut p = s.splat(1.0 / 5040.0);
    p = s.fma(p, r, s.splat(1.0 / 720.0));
    p = s.fma(p, r, s.splat(1.0 / 120.0));
    p = s.fma(p, r, s.splat(1.0 / 24.0));
    p = s.fma(p, r, s.splat(1.0 / 6.0));
    p = s.fma(p, r, s.splat(0.5));
    p = s.fma(p, r, s.splat(1.0));
    p = s.fma(p, r, s.splat(1.0));
    // 2^(n - 1), because 2^128 is no float.
    let power = s.float_of_bits(s.shl(s.add_int(n, s.splat_int(126)), 23));
    let y = s.mul(s.add(p, p), power);
    let y = s.select_less(s.splat(MOST), x, s.splat(f32::INFINITY), y);
    s.select_less(x, s.splat(LEAST), s.splat(0.0), y)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub fn sigmoid<S: Simd>(s: S, x: S::F) -> S::F {
    let one = s.splat(1.0);
    s.div(one, s.add(one, exp(s, s.sub(s.splat(0.0), x))))
}

/// The hyperbolic tangent, with an error of about two units in the last place.
#[inline(always)]
pub fn tanh<S: Simd>(s: S, x: S::F) -> S::F {
    // Of the magnitude, as then nothing overflows; near zero the series, where the formula cancels.
    let zero = s.splat(0.0);
    let size = s.max(x, s.sub(zero, x));
    let one = s.splat(1.0);
    let e = exp(s, s.mul(size, s.splat(-2.0)));
    let far = s.div(s.sub(one, e), s.add(one, e));
    let square = s.mul(x, x);
    let mut p = s.splat(-1382.0 / 155_925.0);
    p = s.fma(p, square, s.splat(62.0 / 2835.0));
    p = s.fma(p, square, s.splat(-17.0 / 315.0));
    p = s.fma(p, square, s.splat(2.0 / 15.0));
    p = s.fma(p, square, s.splat(-1.0 / 3.0));
    let near = s.fma(s.mul(p, square), size, size);
    let y = s.select_less(size, s.splat(0.3), near, far);
    s.select_less(x, zero, s.sub(zero, y), y)
}

/// The error function, with an error of about two units in the last place.
#[inline(always)]
pub fn erf<S: Simd>(s: S, x: S::F) -> S::F {
    // Polynomials that are nearest to erf(√x) / √x up to 1, and to ln(1 - erf(x)) from 1 to 4, where erf(x) is 1.
    const NEAR: [f32; 7] = [
        7.889_123e-5,
        -8.020_842e-4,
        5.189_535_7e-3,
        -2.685_444_4e-2,
        1.128_36e-1,
        -3.761_262_6e-1,
        FRAC_2_SQRT_PI,
    ];
    const FAR: [f32; 7] = [
        1.855_740_9e-4,
        -2.939_608e-3,
        2.180_532_2e-2,
        -1.030_373_7e-1,
        -6.382_257e-1,
        -1.127_04,
        -3.537_184e-4,
    ];
    let zero = s.splat(0.0);
    // In this order of arguments NaN stays.
    let size = s.min(s.splat(4.0), s.max(s.sub(zero, x), x));
    let near = s.mul(polynomial(s, NEAR, s.mul(size, size)), size);
    let far = s.sub(s.splat(1.0), exp(s, polynomial(s, FAR, size)));
    let y = s.select_less(size, s.splat(1.0), near, far);
    s.select_less(x, zero, s.sub(zero, y), y)
}

/// The sine and the cosine of `x + quadrants * π / 2`, `x` from -π/4 to π/4.
#[inline(always)]
pub fn sin_cos<S: Simd>(s: S, x: S::F, quadrants: S::I) -> (S::F, S::F) {
    // The series, which are exact enough this near to 0.
    const SIN: [f32; 4] = [1.0 / 362_880.0, -1.0 / 5040.0, 1.0 / 120.0, -1.0 / 6.0];
    const COS: [f32; 6] = [-1.0 / 3_628_800.0, 1.0 / 40_320.0, -1.0 / 720.0, 1.0 / 24.0, -0.5, 1.0];
    let square = s.mul(x, x);
    let sin = s.fma(s.mul(polynomial(s, SIN, square), square), x, x);
    let cos = polynomial(s, COS, square);
    let (one, two) = (s.splat_int(1), s.splat_int(2));
    // In odd quadrants they change places; sines are negative in quadrants 2 and 3, cosines in 1 and 2.
    let odd = s.to_float(s.and(quadrants, one));
    let sine = s.select_less(s.splat(0.0), odd, cos, sin);
    let cosine = s.select_less(s.splat(0.0), odd, sin, cos);
    let sine_sign = s.shl(s.and(quadrants, two), 30);
    let cosine_sign = s.shl(s.and(s.add_int(quadrants, one), two), 30);
    // Adding to the highest bit flips it.
    let sine = s.float_of_bits(s.add_int(s.bits_of_float(sine), sine_sign));
    let cosine = s.float_of_bits(s.add_int(s.bits_of_float(cosine), cosine_sign));
    (sine, cosine)
}

/// A polynomial with these coefficients, that of the highest power first.
#[inline(always)]
fn polynomial<S: Simd, const N: usize>(s: S, coefficients: [f32; N], x: S::F) -> S::F {
    let mut y = s.splat(coefficients[0]);
    for c in &coefficients[1..] {
        y = s.fma(y, x, s.splat(*c));
    }
    y
}

#[cfg(test)]
mod tests {
    use crate::simd::{Kernel, Level, Simd, dispatch_at, erf, exp, sigmoid, tanh};

    #[derive(Clone, Copy)]
    struct Apply<'a>(u8, &'a [f32; 16]);

    impl Kernel for Apply<'_> {
        type Output = [f32; 16];
        #[inline(always)]
        fn run<S: Simd>(self, s: S) -> [f32; 16] {
            let mut y = [0.0; 16];
            for (x, y) in self.1.chunks_exact(S::LANES).zip(y.chunks_exact_mut(S::LANES)) {
                let x = s.load(x);
                s.store([exp(s, x), sigmoid(s, x), tanh(s, x), erf(s, x)][usize::from(self.0)], y);
            }
            y
        }
    }

    /// By a series in which all terms have the same sign.
    fn exact_erf(x: f64) -> f64 {
        let (mut term, mut sum) = (x, 0.0);
        for n in 1..200 {
            sum += term;
            term *= 2.0 * x * x / f64::from(2 * n + 1);
        }
        if x.abs() > 6.0 { x.signum() } else { sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI }
    }

    #[test]
    fn functions_are_as_exact_as_documented() {
        let exact: [fn(f64) -> f64; 4] = [f64::exp, |x| 1.0 / (1.0 + (-x).exp()), f64::tanh, exact_erf];
        let units = [2.0, 3.0, 3.0, 2.0];
        for level in Level::available() {
            for which in 0..4u8 {
                let mut x = -100.0f32;
                while x < 100.0 {
                    let at = std::array::from_fn(|i| x + i as f32 * 0.0137);
                    for (x, y) in at.iter().zip(dispatch_at(level, Apply(which, &at))) {
                        let wanted = exact[usize::from(which)](f64::from(*x));
                        let error = (f64::from(y) - wanted).abs();
                        // 1e-37: results that are nearly subnormal may become 0.
                        let fits = error
                            <= wanted.abs() * units[usize::from(which)] * f64::from(f32::EPSILON) + 1e-37;
                        assert!(fits || wanted > f64::from(f32::MAX), "{level:?} {which}: {x} gives {y}");
                    }
                    x += 0.219;
                }
                let mut special = [0.0f32; 16];
                special[..3].copy_from_slice(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY]);
                let y = dispatch_at(level, Apply(which, &special));
                let limits = [(f32::INFINITY, 0.0), (1.0, 0.0), (1.0, -1.0), (1.0, -1.0)][usize::from(which)];
                assert!(y[0].is_nan() && (y[1], y[2]) == limits, "{level:?} {which}: {y:?}");
            }
        }
    }
}
