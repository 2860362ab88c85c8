//! Softmax of rows.

use crate::{
    floats::{Floats, FloatsMut, with_floats},
    pool,
    simd::{Element, Kernel, Simd, dispatch, exp},
};

/// Less than this many elements are not worth a second thread.
const LEAST: usize = 1 << 13;

/// Writes `exp(x) / sum(exp(x))` for each row of `x`, `width` elements. A row that is all negative infinity, and one
/// that contains infinity or NaN, becomes NaN.
///
/// # Panics
/// If `x` is not whole rows, or `out` has another length or type.
pub fn softmax(x: Floats<'_>, width: usize, out: FloatsMut<'_>) {
    assert_eq!(x.len(), out.len(), "a number for each result");
    if x.is_empty() {
        return;
    }
    assert!(width > 0 && x.len().is_multiple_of(width), "whole rows");
    with_floats!(mut out, out => rows(x, width, out));
}

fn rows<T: Element>(x: Floats<'_>, width: usize, out: &mut [T]) {
    let x = T::slice(x);
    pool::for_each_rows(out, width, LEAST.div_ceil(width), |row, out| {
        dispatch(Softmax { x: &x[row * width..][..out.len()], width, out });
    });
}

struct Softmax<'a, T> {
    x: &'a [T],
    width: usize,
    out: &'a mut [T],
}

impl<T: Element> Kernel for Softmax<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (x, out) in self.x.chunks_exact(self.width).zip(self.out.chunks_exact_mut(self.width)) {
            let most = largest(s, x);
            let scale = 1.0 / sum_of_powers(s, x, most);
            write(s, x, most, scale, out);
        }
    }
}

/// The largest number, or any where one is NaN.
#[inline(always)]
fn largest<S: Simd, T: Element>(s: S, x: &[T]) -> f32 {
    let mut most = [s.splat(f32::NEG_INFINITY); 4];
    let mut blocks = x.chunks_exact(4 * S::LANES);
    for block in blocks.by_ref() {
        for (most, x) in most.iter_mut().zip(block.chunks_exact(S::LANES)) {
            *most = s.max(T::load(s, x), *most);
        }
    }
    let most = s.largest(s.max(s.max(most[0], most[1]), s.max(most[2], most[3])));
    let mut rest = most;
    for x in blocks.remainder() {
        rest = rest.max(x.widen());
    }
    rest
}

/// The sum of `exp(x - most)`.
#[inline(always)]
fn sum_of_powers<S: Simd, T: Element>(s: S, x: &[T], most: f32) -> f32 {
    let shift = s.splat(most);
    let mut sums = [s.splat(0.0); 2];
    let mut blocks = x.chunks_exact(2 * S::LANES);
    for block in blocks.by_ref() {
        for (sum, x) in sums.iter_mut().zip(block.chunks_exact(S::LANES)) {
            *sum = s.add(*sum, exp(s, s.sub(T::load(s, x), shift)));
        }
    }
    let mut total = s.sum(s.add(sums[0], sums[1]));
    for x in blocks.remainder().chunks(S::LANES) {
        let mut powers = [0.0; 16];
        s.store(exp(s, s.sub(T::load_part(s, x), shift)), &mut powers);
        total += powers[..x.len()].iter().sum::<f32>();
    }
    total
}

/// Writes `exp(x - most) * scale`. Its powers are computed a second time, since there may be no memory for them: in
/// `out` they would be rounded.
#[inline(always)]
fn write<S: Simd, T: Element>(s: S, x: &[T], most: f32, scale: f32, out: &mut [T]) {
    let (shift, scale) = (s.splat(most), s.splat(scale));
    let mut x = x.chunks_exact(S::LANES);
    let mut out = out.chunks_exact_mut(S::LANES);
    for (x, out) in x.by_ref().zip(out.by_ref()) {
        T::store(s, s.mul(exp(s, s.sub(T::load(s, x), shift)), scale), out);
    }
    let rest = exp(s, s.sub(T::load_part(s, x.remainder()), shift));
    T::store_part(s, s.mul(rest, scale), out.into_remainder());
}
