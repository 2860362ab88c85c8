//! Normalization of rows: RMS norm (Zhang and Sennrich, 2019) and layer norm (Ba et al., 2016).

use crate::{
    elementwise::widened,
    floats::{Floats, FloatsMut, with_floats},
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::borrow::Cow;

/// Less than this many elements are not worth a second thread.
const LEAST: usize = 1 << 14;

/// Divides each row of `x`, `width` elements, by the root of the mean of its squares plus `eps`, and multiplies it with
/// `weight`.
///
/// # Panics
/// If `x` is not whole rows, `out` has another length, or `weight` is not as long as a row.
pub fn rms_norm(x: Floats<'_>, weight: Option<Floats<'_>>, width: usize, eps: f32, out: FloatsMut<'_>) {
    normalize(Rows { width, center: false, eps, weight, bias: None }, x, out);
}

/// Subtracts from each row of `x`, `width` elements, its mean, divides by the root of its variance plus `eps`,
/// multiplies with `weight` and adds `bias`.
///
/// # Panics
/// If `x` is not whole rows, `out` has another length, or `weight` or `bias` is not as long as a row.
pub fn layer_norm(
    x: Floats<'_>,
    weight: Option<Floats<'_>>,
    bias: Option<Floats<'_>>,
    width: usize,
    eps: f32,
    out: FloatsMut<'_>,
) {
    normalize(Rows { width, center: true, eps, weight, bias }, x, out);
}

struct Rows<'a> {
    width: usize,
    center: bool,
    eps: f32,
    weight: Option<Floats<'a>>,
    bias: Option<Floats<'a>>,
}

fn normalize(rows: Rows<'_>, x: Floats<'_>, out: FloatsMut<'_>) {
    let Rows { width, center, eps, weight, bias } = rows;
    assert_eq!(x.len(), out.len(), "a number for each result");
    if x.is_empty() {
        return;
    }
    assert!(width > 0 && x.len().is_multiple_of(width), "whole rows");
    // What is not there is replaced by numbers that change nothing; -0 is the one for sums, as 0 would turn -0 into 0.
    let weight = weight.map_or_else(|| Cow::Owned(vec![1.0; width]), widened);
    let bias = bias.map_or_else(|| Cow::Owned(vec![-0.0; width]), widened);
    assert!(weight.len() == width && bias.len() == width, "a weight and a bias for each column");
    with_floats!(x, x => with_floats!(mut out, out => {
        pool::for_each_rows(out, width, LEAST.div_ceil(width), |row, out| {
            let x = &x[row * width..][..out.len()];
            dispatch(Normalize { x, width, center, eps, weight: &weight, bias: &bias, out });
        });
    }));
}

struct Normalize<'a, X, O> {
    x: &'a [X],
    width: usize,
    center: bool,
    eps: f32,
    weight: &'a [f32],
    bias: &'a [f32],
    out: &'a mut [O],
}

impl<X: Element, O: Element> Kernel for Normalize<'_, X, O> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let count = self.width as f32;
        for (x, out) in self.x.chunks_exact(self.width).zip(self.out.chunks_exact_mut(self.width)) {
            let mean = if self.center { sum::<S, X, false>(s, x, 0.0) / count } else { 0.0 };
            let variance = sum::<S, X, true>(s, x, mean) / count;
            let scale = 1.0 / (variance + self.eps).sqrt();
            affine(s, x, mean, scale, self.weight, self.bias, out);
        }
    }
}

/// The sum of the numbers less `mean`, or of their squares.
#[inline(always)]
fn sum<S: Simd, X: Element, const SQUARES: bool>(s: S, x: &[X], mean: f32) -> f32 {
    // Four sums, because the next addition to one has to wait for the last.
    let mut sums = [s.splat(0.0); 4];
    let mut blocks = x.chunks_exact(4 * S::LANES);
    for block in blocks.by_ref() {
        for (sum, x) in sums.iter_mut().zip(block.chunks_exact(S::LANES)) {
            let x = s.sub(X::load(s, x), s.splat(mean));
            *sum = if SQUARES { s.fma(x, x, *sum) } else { s.add(*sum, x) };
        }
    }
    let total = s.sum(s.add(s.add(sums[0], sums[1]), s.add(sums[2], sums[3])));
    let mut rest = 0.0;
    for x in blocks.remainder() {
        let x = x.widen() - mean;
        rest += if SQUARES { x * x } else { x };
    }
    total + rest
}

/// Writes `(x - mean) * scale * weight + bias`.
#[inline(always)]
fn affine<S: Simd, X: Element, O: Element>(
    s: S,
    x: &[X],
    mean: f32,
    scale: f32,
    weight: &[f32],
    bias: &[f32],
    out: &mut [O],
) {
    let (mean, scale) = (s.splat(mean), s.splat(scale));
    let mut x = x.chunks_exact(S::LANES);
    let mut weights = weight.chunks_exact(S::LANES);
    let mut biases = bias.chunks_exact(S::LANES);
    let mut out = out.chunks_exact_mut(S::LANES);
    for (((x, w), b), out) in x.by_ref().zip(weights.by_ref()).zip(biases.by_ref()).zip(out.by_ref()) {
        let x = s.mul(s.sub(X::load(s, x), mean), scale);
        O::store(s, s.fma(x, s.load(w), s.load(b)), out);
    }
    let x = s.mul(s.sub(X::load_part(s, x.remainder()), mean), scale);
    let w = f32::load_part(s, weights.remainder());
    let b = f32::load_part(s, biases.remainder());
    O::store_part(s, s.fma(x, w, b), out.into_remainder());
}
