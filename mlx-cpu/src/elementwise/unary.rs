use crate::{
    floats::{Floats, FloatsMut, with_floats},
    pool,
    simd::{Element, Kernel, Simd, dispatch, erf, exp, sigmoid, tanh},
};

/// Less than this many elements are not worth a second thread.
const LEAST: usize = 1 << 14;

/// A function of one number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unary {
    /// The absolute value.
    Abs,
    /// The cosine.
    Cos,
    /// The error function.
    Erf,
    /// `e` to the power of `x`.
    Exp,
    /// [`Exp`](Unary::Exp) less 1.
    Expm1,
    /// The natural logarithm.
    Log,
    /// The natural logarithm of `1 + x`.
    Log1p,
    /// `-x`.
    Negative,
    /// `1 / x`.
    Reciprocal,
    /// `1 / sqrt(x)`.
    Rsqrt,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// The sine.
    Sin,
    /// The square root.
    Sqrt,
    /// `x * x`.
    Square,
    /// The hyperbolic tangent.
    Tanh,
}

/// Computes a function of each number.
///
/// # Panics
/// If there are not as many results as numbers, or of another type.
pub fn unary(function: Unary, x: Floats<'_>, out: FloatsMut<'_>) {
    assert_eq!(x.len(), out.len(), "a number for each result");
    with_floats!(mut out, out => match function {
        Unary::Abs => map(x, out, Abs),
        Unary::Cos => map(x, out, Scalar(f32::cos)),
        Unary::Erf => map(x, out, Erf),
        Unary::Exp => map(x, out, Exp),
        Unary::Expm1 => map(x, out, Scalar(f32::exp_m1)),
        Unary::Log => map(x, out, Scalar(f32::ln)),
        Unary::Log1p => map(x, out, Scalar(f32::ln_1p)),
        Unary::Negative => map(x, out, Negative),
        Unary::Reciprocal => map(x, out, Reciprocal),
        Unary::Rsqrt => map(x, out, Scalar(|x| 1.0 / x.sqrt())),
        Unary::Sigmoid => map(x, out, Sigmoid),
        Unary::Sin => map(x, out, Scalar(f32::sin)),
        Unary::Sqrt => map(x, out, Scalar(f32::sqrt)),
        Unary::Square => map(x, out, Square),
        Unary::Tanh => map(x, out, Tanh),
    });
}

/// A function of a vector.
trait UnaryOp: Copy + Sync {
    /// The results; must be `#[inline(always)]`.
    fn apply<S: Simd>(self, s: S, x: S::F) -> S::F;
}

macro_rules! op {
    ($name:ident, |$s:ident, $x:ident| $value:expr) => {
        #[derive(Clone, Copy)]
        struct $name;

        impl UnaryOp for $name {
            #[inline(always)]
            fn apply<S: Simd>(self, $s: S, $x: S::F) -> S::F {
                $value
            }
        }
    };
}

op!(Abs, |s, x| s.float_of_bits(s.and(s.bits_of_float(x), s.splat_int(0x7fff_ffff))));
op!(Erf, |s, x| erf(s, x));
op!(Exp, |s, x| exp(s, x));
op!(Negative, |s, x| s.sub(s.splat(-0.0), x));
op!(Reciprocal, |s, x| s.div(s.splat(1.0), x));
op!(Sigmoid, |s, x| sigmoid(s, x));
op!(Square, |s, x| s.mul(x, x));
op!(Tanh, |s, x| tanh(s, x));

/// A function that there is none of vectors for.
#[derive(Clone, Copy)]
struct Scalar(fn(f32) -> f32);

impl UnaryOp for Scalar {
    #[inline(always)]
    fn apply<S: Simd>(self, s: S, x: S::F) -> S::F {
        let mut lanes = [0.0; 16];
        s.store(x, &mut lanes);
        for x in &mut lanes[..S::LANES] {
            *x = (self.0)(*x);
        }
        s.load(&lanes)
    }
}

fn map<T: Element, Op: UnaryOp>(x: Floats<'_>, out: &mut [T], op: Op) {
    let x = T::slice(x);
    pool::for_each_rows(out, 1, LEAST, |start, out| dispatch(Map { x: &x[start..][..out.len()], out, op }));
}

struct Map<'a, T, Op> {
    x: &'a [T],
    out: &'a mut [T],
    op: Op,
}

impl<T: Element, Op: UnaryOp> Kernel for Map<'_, T, Op> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut x = self.x.chunks_exact(S::LANES);
        let mut out = self.out.chunks_exact_mut(S::LANES);
        for (x, out) in x.by_ref().zip(out.by_ref()) {
            T::store(s, self.op.apply(s, T::load(s, x)), out);
        }
        T::store_part(s, self.op.apply(s, T::load_part(s, x.remainder())), out.into_remainder());
    }
}
