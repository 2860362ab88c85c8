use crate::{
    floats::{Floats, FloatsMut, with_floats},
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::borrow::Cow;

/// Less than this many elements are not worth a second thread.
const LEAST: usize = 1 << 16;

/// Converts numbers to another kind, rounding to nearest, ties to even.
///
/// # Panics
/// If there are not as many results as numbers.
pub fn cast(x: Floats<'_>, out: FloatsMut<'_>) {
    assert_eq!(x.len(), out.len(), "a number for each result");
    with_floats!(x, x => with_floats!(mut out, out => {
        pool::for_each_rows(out, 1, LEAST, |start, out| dispatch(Cast { x: &x[start..][..out.len()], out }));
    }));
}

/// Adds numbers to sums.
///
/// # Panics
/// If there are not as many of both.
pub fn accumulate(x: Floats<'_>, sums: &mut [f32]) {
    assert_eq!(x.len(), sums.len(), "a number for each sum");
    with_floats!(x, x => dispatch(Accumulate { x, sums }));
}

/// The numbers in single precision.
pub(crate) fn widened(x: Floats<'_>) -> Cow<'_, [f32]> {
    if let Floats::F32(x) = x {
        return Cow::Borrowed(x);
    }
    let mut wide = vec![0.0; x.len()];
    with_floats!(x, x => dispatch(Cast { x, out: &mut wide }));
    Cow::Owned(wide)
}

/// Copies numbers, as many of the one as of the other.
pub(crate) fn copy<X: Element, O: Element>(x: &[X], out: &mut [O]) {
    dispatch(Cast { x, out });
}

struct Cast<'a, X, O> {
    x: &'a [X],
    out: &'a mut [O],
}

impl<X: Element, O: Element> Kernel for Cast<'_, X, O> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut x = self.x.chunks_exact(S::LANES);
        let mut out = self.out.chunks_exact_mut(S::LANES);
        for (x, out) in x.by_ref().zip(out.by_ref()) {
            O::store(s, X::load(s, x), out);
        }
        O::store_part(s, X::load_part(s, x.remainder()), out.into_remainder());
    }
}

struct Accumulate<'a, X> {
    x: &'a [X],
    sums: &'a mut [f32],
}

impl<X: Element> Kernel for Accumulate<'_, X> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let mut x = self.x.chunks_exact(S::LANES);
        let mut sums = self.sums.chunks_exact_mut(S::LANES);
        for (x, sums) in x.by_ref().zip(sums.by_ref()) {
            s.store(s.add(s.load(sums), X::load(s, x)), sums);
        }
        for (x, sum) in x.remainder().iter().zip(sums.into_remainder()) {
            *sum += x.widen();
        }
    }
}
