//! Functions of each element: the results of single precision, rounded.

mod common;

use common::{Kind, Numbers, Random};
use mlx_cpu::{
    elementwise::{Binary, Strided, Unary, binary, cast, unary},
    gated::swiglu,
};

/// The same number, or both NaN, or zeros.
fn same(a: f32, b: f32) -> bool {
    a == b || (a.is_nan() && b.is_nan())
}

/// Puts NaN and infinities among numbers.
fn with_specials(random: &mut Random, kind: Kind, count: usize) -> Numbers {
    let specials = [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, 0.0, -0.0, 1.0];
    let values: Vec<f32> = (0..count)
        .map(|_| if random.below(4) == 0 { random.pick(&specials) } else { random.float() * 10.0 })
        .collect();
    Numbers::new(kind, values.into_iter())
}

#[test]
fn binary_functions_of_all_layouts_are_rounded_once() {
    type Scalar = fn(f32, f32) -> f32;
    let functions: [(Binary, Scalar); 6] = [
        (Binary::Add, |a, b| a + b),
        (Binary::Subtract, |a, b| a - b),
        (Binary::Multiply, |a, b| a * b),
        (Binary::Divide, |a, b| a / b),
        (Binary::Maximum, |a, b| if a.is_nan() || b.is_nan() { f32::NAN } else { a.max(b) }),
        (Binary::Minimum, |a, b| if a.is_nan() || b.is_nan() { f32::NAN } else { a.min(b) }),
    ];
    let mut random = Random::new(3);
    for round in 0..2000 {
        let kind = random.pick(&Kind::ALL);
        let (op, scalar) = random.pick(&functions);
        let axes = random.below(6);
        let mut shape: Vec<usize> = (0..axes).map(|_| random.pick(&[1, 2, 3, 5, 17])).collect();
        if round % 50 == 0 {
            shape = vec![3, random.pick(&[0, 30_000])];
        }
        let [a, b] = [(); 2].map(|()| strided(&mut random, kind, &shape));
        let count = shape.iter().product();
        let mut out = Numbers::room(kind, count);
        let [a_view, b_view] = [&a, &b].map(|x| Strided { values: x.0.floats(), strides: &x.1 });
        binary(op, a_view, b_view, &shape, out.floats_mut());
        for i in 0..count {
            let [x, y] = [&a, &b].map(|x| x.0.get(offset(i, &shape, &x.1)));
            let wanted = kind.round(scalar(x, y));
            assert!(same(out.get(i), wanted), "{op:?} {kind:?} {shape:?}: {} for {wanted}", out.get(i));
        }
    }
}

/// Numbers for an array in a random order of axes, with gaps or repeated along some axes, and its strides.
fn strided(random: &mut Random, kind: Kind, shape: &[usize]) -> (Numbers, Vec<usize>) {
    let mut order: Vec<usize> = (0..shape.len()).collect();
    if random.below(2) == 0 {
        for i in (1..order.len()).rev() {
            order.swap(i, random.below(i + 1));
        }
    }
    let mut strides = vec![0; shape.len()];
    let mut next = random.pick(&[1, 1, 1, 2]);
    for &axis in order.iter().rev() {
        if random.below(4) > 0 {
            strides[axis] = next;
            next *= shape[axis].max(1) + usize::from(random.below(6) == 0);
        }
    }
    let last: usize = shape.iter().zip(&strides).map(|(&size, stride)| size.saturating_sub(1) * stride).sum();
    (with_specials(random, kind, last + 1), strides)
}

fn offset(mut i: usize, shape: &[usize], strides: &[usize]) -> usize {
    let mut offset = 0;
    for (size, stride) in shape.iter().zip(strides).rev() {
        offset += i % size * stride;
        i /= size;
    }
    offset
}

#[test]
fn unary_functions_are_as_exact_as_single_precision() {
    // The function, and how many units in the last place it may differ from the exact result.
    type Exact = fn(f64) -> f64;
    let functions: [(Unary, Exact, f64); 15] = [
        (Unary::Abs, f64::abs, 0.0),
        (Unary::Cos, f64::cos, 1.0),
        (Unary::Erf, exact_erf, 2.0),
        (Unary::Exp, f64::exp, 2.0),
        (Unary::Expm1, f64::exp_m1, 2.0),
        (Unary::Log, f64::ln, 1.0),
        (Unary::Log1p, f64::ln_1p, 2.0),
        (Unary::Negative, |x| -x, 0.0),
        (Unary::Reciprocal, |x| 1.0 / x, 0.5),
        (Unary::Rsqrt, |x| 1.0 / x.sqrt(), 1.5),
        (Unary::Sigmoid, |x| 1.0 / (1.0 + (-x).exp()), 3.0),
        (Unary::Sin, f64::sin, 1.0),
        (Unary::Sqrt, f64::sqrt, 0.5),
        (Unary::Square, |x| x * x, 0.5),
        (Unary::Tanh, f64::tanh, 3.0),
    ];
    let mut random = Random::new(4);
    for kind in Kind::ALL {
        for (function, exact, units) in functions {
            for count in [0, 1, 7, 16, 40_003] {
                let x = with_specials(&mut random, kind, count);
                let mut out = Numbers::room(kind, count);
                unary(function, x.floats(), out.floats_mut());
                for i in 0..count {
                    let wanted = exact(f64::from(x.get(i)));
                    let (got, wide) = (f64::from(out.get(i)), wanted as f32);
                    let single = f64::from(f32::EPSILON) * units;
                    let rounding = if kind == Kind::F32 { 0.0 } else { kind.rounding() };
                    // 6e-8: half precision has subnormal numbers of that size.
                    let limit =
                        wanted.abs() * (single + rounding) + if kind == Kind::F16 { 6e-8 } else { 1e-37 };
                    let fits = same(out.get(i), kind.round(wide)) || (got - wanted).abs() <= limit;
                    assert!(fits, "{function:?} {kind:?}: {got} for {wanted} of {}", x.get(i));
                }
            }
        }
    }
}

/// The error function by a series in which all terms have the same sign.
fn exact_erf(x: f64) -> f64 {
    let (mut term, mut sum) = (x, 0.0);
    for n in 1..400 {
        sum += term;
        term *= 2.0 * x * x / f64::from(2 * n + 1);
    }
    if x.abs() > 6.0 { x.signum() } else { sum * (-x * x).exp() * std::f64::consts::FRAC_2_SQRT_PI }
}

#[test]
fn casts_round_to_nearest() {
    let mut random = Random::new(5);
    for from in Kind::ALL {
        for to in Kind::ALL {
            for count in [0, 1, 8, 100, 150_001] {
                let x = with_specials(&mut random, from, count);
                let mut out = Numbers::room(to, count);
                cast(x.floats(), out.floats_mut());
                for i in 0..count {
                    let wanted = to.round(x.get(i));
                    assert!(
                        same(out.get(i), wanted)
                            && out.get(i).is_sign_negative() == wanted.is_sign_negative()
                    );
                }
            }
        }
    }
}

#[test]
fn swiglu_is_the_product_of_silu_and_up() {
    let mut random = Random::new(6);
    for kind in Kind::ALL {
        for count in [0, 1, 31, 100_003] {
            let [gate, up] = [(); 2].map(|()| random.numbers(kind, count, 12.0));
            let mut out = Numbers::room(kind, count);
            swiglu(gate.floats(), up.floats(), out.floats_mut());
            for i in 0..count {
                let (x, y) = (f64::from(gate.get(i)), f64::from(up.get(i)));
                let wanted = x / (1.0 + (-x).exp()) * y;
                let limit =
                    wanted.abs() * (kind.rounding() + 4e-7) + if kind == Kind::F16 { 3e-8 } else { 0.0 };
                assert!((f64::from(out.get(i)) - wanted).abs() <= limit, "{kind:?}: {x} {y}");
            }
        }
    }
    let mut out = Numbers::room(Kind::F32, 4);
    let gate = Numbers::F32(vec![f32::NAN, f32::INFINITY, -200.0, 1.0]);
    let up = Numbers::F32(vec![1.0, 2.0, 3.0, f32::NAN]);
    swiglu(gate.floats(), up.floats(), out.floats_mut());
    assert!(out.get(0).is_nan() && out.get(1) == f32::INFINITY && out.get(2) == 0.0 && out.get(3).is_nan());
}
