//! Operations against plain f64 functions, over random numbers and the special ones.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Dtype, Result,
    ops::{NonFinite, Tolerance},
    random,
};

type Unary = (&'static str, fn(&Array) -> Result<Array>, fn(f64) -> f64);
type Binary = (&'static str, fn(&Array, &Array) -> Result<Array>, fn(f64, f64) -> f64);

/// Random numbers in `low..high`, and zeros of both signs.
fn numbers(low: f32, high: f32, seed: u64) -> Vec<f32> {
    let drawn = random::uniform(low, high, &[200], Dtype::F32, &random::key(seed).unwrap()).unwrap();
    let mut numbers = drawn.to_vec::<f32>().unwrap();
    numbers.extend([0.0, -0.0].into_iter().filter(|x| (low..high).contains(x)));
    numbers
}

fn vector(values: &[f32]) -> Array {
    Array::from_slice(values, &[values.len() as i32])
}

fn close(found: f32, expected: f64, tolerance: f64) -> bool {
    let expected = expected as f32;
    found == expected
        || (found.is_nan() && expected.is_nan())
        || f64::from((found - expected).abs()) <= tolerance * f64::from(expected.abs()).max(1.0)
}

#[test]
fn functions_of_one_operand() {
    let everywhere: &[Unary] = &[
        ("abs", Array::abs, f64::abs),
        ("arcsinh", Array::arcsinh, f64::asinh),
        ("arctan", Array::arctan, f64::atan),
        ("ceil", Array::ceil, f64::ceil),
        ("cos", Array::cos, f64::cos),
        ("cosh", Array::cosh, f64::cosh),
        ("degrees", Array::degrees, f64::to_degrees),
        ("exp", Array::exp, f64::exp),
        ("expm1", Array::expm1, f64::exp_m1),
        ("floor", Array::floor, f64::floor),
        ("negative", Array::negative, |x| -x),
        ("radians", Array::radians, f64::to_radians),
        ("reciprocal", Array::reciprocal, f64::recip),
        ("round", |x| x.round(0), f64::round_ties_even),
        ("sigmoid", Array::sigmoid, |x| 1.0 / (1.0 + (-x).exp())),
        ("sin", Array::sin, f64::sin),
        ("sinh", Array::sinh, f64::sinh),
        ("square", Array::square, |x| x * x),
        ("tan", Array::tan, f64::tan),
        ("tanh", Array::tanh, f64::tanh),
        ("trunc", Array::trunc, f64::trunc),
    ];
    let positive: &[Unary] = &[
        ("log", Array::log, f64::ln),
        ("log10", Array::log10, f64::log10),
        ("log1p", Array::log1p, f64::ln_1p),
        ("log2", Array::log2, f64::log2),
        ("rsqrt", Array::rsqrt, |x| 1.0 / x.sqrt()),
        ("sqrt", Array::sqrt, f64::sqrt),
    ];
    let within_one: &[Unary] = &[
        ("arccos", Array::arccos, f64::acos),
        ("arcsin", Array::arcsin, f64::asin),
        ("arctanh", Array::arctanh, f64::atanh),
    ];
    let above_one: &[Unary] = &[("arccosh", Array::arccosh, f64::acosh)];
    let domains =
        [(everywhere, -6.0, 6.0), (positive, 0.0, 50.0), (within_one, -0.99, 0.99), (above_one, 1.0, 9.0)];
    for (seed, (functions, low, high)) in domains.into_iter().enumerate() {
        let values = numbers(low, high, seed as u64);
        for (name, function, reference) in functions {
            let found = function(&vector(&values)).unwrap().to_vec::<f32>().unwrap();
            for (x, y) in values.iter().zip(found) {
                let expected = reference(f64::from(*x));
                assert!(close(y, expected, 2e-5), "{name}({x}) is {y}, expected {expected}");
            }
        }
    }
}

#[test]
fn functions_of_two_operands() {
    let functions: &[Binary] = &[
        ("add", |a, b| a.add(b), |x, y| x + y),
        ("arctan2", |a, b| a.arctan2(b), f64::atan2),
        ("divide", |a, b| a.divide(b), |x, y| x / y),
        ("floor_divide", |a, b| a.floor_divide(b), |x, y| (x / y).floor()),
        ("logaddexp", |a, b| a.logaddexp(b), |x, y| (x.exp() + y.exp()).ln()),
        ("maximum", |a, b| a.maximum(b), f64::max),
        ("minimum", |a, b| a.minimum(b), f64::min),
        ("multiply", |a, b| a.multiply(b), |x, y| x * y),
        ("remainder", |a, b| a.remainder(b), |x, y| x - y * (x / y).floor()),
        ("subtract", |a, b| a.subtract(b), |x, y| x - y),
    ];
    let (left, right) = (numbers(-9.0, 9.0, 10), numbers(0.5, 4.0, 11));
    let count = left.len().min(right.len());
    let (left, right) = (&left[..count], &right[..count]);
    for (name, function, reference) in functions {
        let found = function(&vector(left), &vector(right)).unwrap().to_vec::<f32>().unwrap();
        for ((x, y), z) in left.iter().zip(right).zip(found) {
            let expected = reference(f64::from(*x), f64::from(*y));
            assert!(close(z, expected, 1e-4), "{name}({x}, {y}) is {z}, expected {expected}");
        }
    }
}

#[test]
fn integers_and_bits() -> Result<()> {
    let (a, b) = (Array::from_slice(&[12i32, -7, 5, 0], &[4]), Array::from_slice(&[10i32, 3, -2, 4], &[4]));
    for (found, expected) in [
        (a.bitwise_and(&b)?, [12 & 10, -7 & 3, 5 & -2, 0]),
        (a.bitwise_or(&b)?, [12 | 10, -7 | 3, 5 | -2, 4]),
        (a.bitwise_xor(&b)?, [12 ^ 10, -7 ^ 3, 5 ^ -2, 4]),
        (a.bitwise_invert()?, [!12, !-7, !5, !0]),
        (a.left_shift(2)?, [48, -28, 20, 0]),
        (a.right_shift(1)?, [6, -4, 2, 0]),
        (a.floor_divide(&b)?, [1, -3, -3, 0]),
        (a.remainder(&b)?, [2, 2, -1, 0]),
        (a.clip(-5, 6)?, [6, -5, 5, 0]),
        (a.logical_xor(Array::from_slice(&[0i32, 1, 0, 1], &[4]))?, [1, 0, 1, 1]),
    ] {
        assert_eq!(found.to_vec::<i32>()?, expected);
    }
    Ok(())
}

#[test]
fn special_numbers() -> Result<()> {
    let x = vector(&[f32::INFINITY, f32::NEG_INFINITY, f32::NAN, 1.0]);
    for (found, expected) in [
        (x.isfinite()?, [false, false, false, true]),
        (x.isinf()?, [true, true, false, false]),
        (x.isnan()?, [false, false, true, false]),
        (x.isposinf()?, [true, false, false, false]),
        (x.isneginf()?, [false, true, false, false]),
        (x.isclose(&x, Tolerance::default())?, [true, true, false, true]),
        (x.isclose(&x, Tolerance { equal_nan: true, ..Tolerance::default() })?, [true; 4]),
        (x.isclose(1.05, Tolerance { rtol: 0.1, ..Tolerance::default() })?, [false, false, false, true]),
        (x.isclose(1.05, Tolerance { atol: 0.04, ..Tolerance::default() })?, [false; 4]),
    ] {
        assert_eq!(found.to_vec::<bool>()?, expected);
    }
    let erf = vector(&[-0.9, 0.0, 0.5]).erfinv()?.erf()?.to_vec::<f32>()?;
    assert!(erf.iter().zip([-0.9, 0.0, 0.5]).all(|(x, y)| (x - y).abs() < 1e-5), "{erf:?}");
    Ok(())
}

#[test]
fn scans_statistics_and_order() -> Result<()> {
    let x = Array::from_slice(&[3.0f32, 1.0, 2.0, 0.0, 5.0, 4.0], &[2, 3]);
    for (found, expected) in [
        (x.cumsum(1)?, vec![3.0, 4.0, 6.0, 0.0, 5.0, 9.0]),
        (x.cumprod(1)?, vec![3.0, 3.0, 6.0, 0.0, 0.0, 0.0]),
        (x.cummax(1)?, vec![3.0, 3.0, 3.0, 0.0, 5.0, 5.0]),
        (x.cummin(0)?, vec![3.0, 1.0, 2.0, 0.0, 1.0, 2.0]),
        (x.median(1)?, vec![2.0, 4.0]),
        (x.count_nonzero(..)?, vec![5.0]),
        (x.sort(1)?, vec![1.0, 2.0, 3.0, 0.0, 4.0, 5.0]),
        (x.argsort(1)?, vec![1.0, 2.0, 0.0, 0.0, 2.0, 1.0]),
        (x.flip(1)?, vec![2.0, 1.0, 3.0, 4.0, 5.0, 0.0]),
        (x.roll(1, 1)?, vec![2.0, 3.0, 1.0, 4.0, 0.0, 5.0]),
        (x.moveaxis(0, 1)?, vec![3.0, 0.0, 1.0, 5.0, 2.0, 4.0]),
        (x.tril(0)?, vec![3.0, 0.0, 0.0, 0.0, 5.0, 0.0]),
        (x.triu(1)?, vec![0.0, 1.0, 2.0, 0.0, 0.0, 4.0]),
        (mlx::eye(2, Dtype::F32), vec![1.0, 0.0, 0.0, 1.0]),
        (mlx::linspace(0.0..=1.0, 3, Dtype::F32)?, vec![0.0, 0.5, 1.0]),
        (vector(&[1.0, 2.0]).tile([2])?, vec![1.0, 2.0, 1.0, 2.0]),
        (vector(&[1.0, 2.0]).outer(&vector(&[3.0, 4.0]))?, vec![3.0, 4.0, 6.0, 8.0]),
        (vector(&[1.0, 2.0]).inner(&vector(&[3.0, 4.0]))?, vec![11.0]),
    ] {
        assert_eq!(found.to_vec::<f32>()?, expected);
    }
    let deviation = x.std(.., 0)?.item::<f32>()?;
    assert!((deviation - x.var(.., 0)?.sqrt()?.item::<f32>()?).abs() < 1e-6);
    assert_eq!(x.topk(1, -1)?.to_vec::<f32>()?, [3.0, 5.0]);
    Ok(())
}

#[test]
fn sameness() -> Result<()> {
    let (x, y) = (vector(&[1.0, f32::NAN]), vector(&[1.0, 2.0]));
    let nan_is_nan = Tolerance { equal_nan: true, ..Tolerance::default() };
    for (found, expected) in [
        (y.array_equal(&y)?, true),
        (y.array_equal(&x)?, false),
        (y.array_equal(&vector(&[1.0]))?, false),
        (y.array_equal(&y.astype(Dtype::I32)?)?, true),
        (x.array_equal(&x)?, false),
        (x.array_equal_nan(&x)?, true),
        (y.allclose(&y + 1e-7, Tolerance::default())?, true),
        (y.allclose(&y + 1e-3, Tolerance::default())?, false),
        (x.allclose(&x, Tolerance::default())?, false),
        (x.allclose(&x, nan_is_nan)?, true),
    ] {
        assert_eq!((found.shape()?, found.item::<bool>()?), (&[][..], expected));
    }
    assert!(x.allclose(vector(&[1.0, 2.0, 3.0]), nan_is_nan).is_err());
    Ok(())
}

#[test]
fn numbers_that_are_not_finite_are_replaced() -> Result<()> {
    let x = vector(&[f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 1.0]);
    for (replacements, expected) in [
        (NonFinite::default(), [0.0, f32::MAX, f32::MIN, 1.0]),
        (7.0.into(), [7.0, f32::MAX, f32::MIN, 1.0]),
        (NonFinite::from(7.0).posinf(8.0).neginf(9.0), [7.0, 8.0, 9.0, 1.0]),
    ] {
        assert_eq!(x.nan_to_num(replacements)?.to_vec::<f32>()?, expected);
    }
    assert!(x.astype(Dtype::C64)?.nan_to_num(0.0).is_err());
    Ok(())
}
