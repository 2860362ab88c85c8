//! Products of a few rows, which take as long as reading the right operand does: it is read once, and not packed.

use super::{
    Matrices,
    scratch::Scratch,
    tiles::{Method, Place},
};
use crate::{
    floats::with_floats,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::{array::from_fn, mem::take};

/// The most rows for which dot products with contiguous columns are faster than packing.
pub(super) const ROWS: usize = 16;
/// The same for sums of contiguous rows.
const ROWS_OF_SUMS: usize = 12;
/// Elements of the left operand that stay in the second-level cache while columns go by.
const CACHED: usize = 1 << 15;

/// What of the right operand is contiguous, and so how its products are computed.
#[derive(Clone, Copy)]
pub(super) enum Contiguous {
    /// Columns: an element of the output is a dot product.
    Columns,
    /// Rows: a row of the output is a sum of multiples of rows.
    Rows,
}

/// How to compute `m` rows, if not by packing.
pub(super) fn method<'a>(m: usize, b: &Matrices<'a>) -> Option<Method<'a>> {
    match (b.row_stride, b.col_stride) {
        (1, _) if m <= ROWS => Some(Method::Vector(*b, Contiguous::Columns)),
        (_, 1) if m <= ROWS_OF_SUMS => Some(Method::Vector(*b, Contiguous::Rows)),
        _ => None,
    }
}

/// Adds `a b` at `place` to `sums`, whose rows are `stride` apart.
pub(super) fn accumulate(
    a: &Matrices<'_>,
    (b, contiguous): (&Matrices<'_>, Contiguous),
    k: usize,
    place: &Place,
    sums: &mut [f32],
    stride: usize,
) {
    let (rows, columns) = (place.rows.len(), place.columns.len());
    let depth = (CACHED / rows).next_multiple_of(16);
    let mut copied = Scratch::new(rows * k.min(depth));
    for first in (0..k).step_by(depth) {
        let depth = first..k.min(first + depth);
        let (x, x_stride) = a.rows(place.matrix, place.rows.clone(), depth.clone(), &mut copied);
        let depth = depth.len();
        let start = b.index(place.matrix, first, place.columns.start);
        with_floats!(b.data, data => match contiguous {
            Contiguous::Columns => {
                let b = Lines { data, start, stride: b.col_stride, len: depth };
                dispatch(Dots { rows, columns, x, x_stride, b, sums, stride });
            }
            Contiguous::Rows => {
                let b = Lines { data, start, stride: b.row_stride, len: columns };
                dispatch(Sums { rows, depth, x, x_stride, b, sums, stride });
            }
        });
    }
}

/// The contiguous rows or columns of a block of the right operand.
struct Lines<'a, E> {
    data: &'a [E],
    start: usize,
    stride: isize,
    len: usize,
}

impl<'a, E> Lines<'a, E> {
    /// `N` lines from number `first` on.
    #[inline(always)]
    fn several<const N: usize>(&self, first: usize) -> [&'a [E]; N] {
        let mut lines = [self.data; N];
        for (i, line) in lines.iter_mut().enumerate() {
            let start = self.start.wrapping_add_signed((first + i).cast_signed() * self.stride);
            *line = &self.data[start..][..self.len];
        }
        lines
    }
}

/// Adds dot products of rows of `x` and columns of `b` to `sums`.
struct Dots<'a, E> {
    rows: usize,
    columns: usize,
    x: &'a [f32],
    x_stride: usize,
    b: Lines<'a, E>,
    sums: &'a mut [f32],
    stride: usize,
}

impl<E: Element> Kernel for Dots<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let whole = self.columns / 4 * 4;
        for j in (0..whole).step_by(4) {
            let mut i = 0;
            while i < self.rows {
                // As many sums as hide the latency of `fma` and leave registers for their factors.
                let rows = [1, 1, 2, 2, 4][(self.rows - i).min(4)];
                match rows {
                    4 => {
                        self.add::<S, 4, 2>(s, i, j);
                        self.add::<S, 4, 2>(s, i, j + 2);
                    }
                    2 => self.add::<S, 2, 4>(s, i, j),
                    _ => self.add::<S, 1, 4>(s, i, j),
                }
                i += rows;
            }
        }
        for j in whole..self.columns {
            for i in 0..self.rows {
                self.add::<S, 1, 1>(s, i, j);
            }
        }
    }
}

impl<E: Element> Dots<'_, E> {
    /// Adds the products of `R` rows and `C` columns.
    #[inline(always)]
    fn add<S: Simd, const R: usize, const C: usize>(&mut self, s: S, i: usize, j: usize) {
        let len = self.b.len;
        let mut x = [self.x; R];
        for (r, row) in x.iter_mut().enumerate() {
            *row = &self.x[(i + r) * self.x_stride..][..len];
        }
        let b: [&[E]; C] = self.b.several(j);
        let mut sums = [[s.splat(0.0); C]; R];
        let whole = len / S::LANES * S::LANES;
        for p in (0..whole).step_by(S::LANES) {
            let mut factors = [s.splat(0.0); R];
            for r in 0..R {
                factors[r] = s.load(&x[r][p..]);
            }
            for c in 0..C {
                let column = E::load(s, &b[c][p..]);
                for r in 0..R {
                    sums[r][c] = s.fma(factors[r], column, sums[r][c]);
                }
            }
        }
        for r in 0..R {
            for c in 0..C {
                let mut sum = s.sum(sums[r][c]);
                for (x, b) in x[r][whole..].iter().zip(&b[c][whole..]) {
                    sum += x * b.widen();
                }
                self.sums[(i + r) * self.stride + j + c] += sum;
            }
        }
    }
}

/// Adds sums of multiples of rows of `b`, where `x` has the factors, to the rows of `sums`.
struct Sums<'a, E> {
    rows: usize,
    depth: usize,
    x: &'a [f32],
    x_stride: usize,
    b: Lines<'a, E>,
    sums: &'a mut [f32],
    stride: usize,
}

impl<E: Element> Kernel for Sums<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let whole = self.depth / 4 * 4;
        for p in (0..whole).step_by(4) {
            for i in (0..self.rows).step_by(2) {
                if self.rows - i >= 2 { self.add::<S, 2, 4>(s, i, p) } else { self.add::<S, 1, 4>(s, i, p) }
            }
        }
        for p in whole..self.depth {
            for i in 0..self.rows {
                self.add::<S, 1, 1>(s, i, p);
            }
        }
    }
}

impl<E: Element> Sums<'_, E> {
    /// Adds multiples of `D` rows of `b` to `R` rows.
    #[inline(always)]
    fn add<S: Simd, const R: usize, const D: usize>(&mut self, s: S, i: usize, p: usize) {
        let len = self.b.len;
        let mut factors = [[s.splat(0.0); D]; R];
        for (r, factors) in factors.iter_mut().enumerate() {
            let x = &self.x[(i + r) * self.x_stride + p..][..D];
            for d in 0..D {
                factors[d] = s.splat(x[d]);
            }
        }
        let b: [&[E]; D] = self.b.several(p);
        let mut rows = self.sums[i * self.stride..].chunks_mut(self.stride);
        let mut sums: [&mut [f32]; R] = from_fn(|_| rows.next().unwrap_or_default());
        for row in &mut sums {
            *row = &mut take(row)[..len];
        }
        let whole = len / S::LANES * S::LANES;
        for j in (0..whole).step_by(S::LANES) {
            let mut totals = [s.splat(0.0); R];
            for r in 0..R {
                totals[r] = s.load(&sums[r][j..]);
            }
            for d in 0..D {
                let b = E::load(s, &b[d][j..]);
                for r in 0..R {
                    totals[r] = s.fma(factors[r][d], b, totals[r]);
                }
            }
            for r in 0..R {
                s.store(totals[r], &mut sums[r][j..]);
            }
        }
        for (r, sums) in sums.iter_mut().enumerate() {
            let x = &self.x[(i + r) * self.x_stride + p..][..D];
            for j in whole..len {
                for d in 0..D {
                    sums[j] += x[d] * b[d][j].widen();
                }
            }
        }
    }
}
