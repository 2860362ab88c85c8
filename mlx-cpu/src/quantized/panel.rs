//! Blocks of a quantized matrix as the dense product takes its right operand.

use super::{
    Quantized,
    numbers::{Numbers, with_numbers},
};
use crate::{
    gemm::Columns,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::{marker::PhantomData, ops::Range};

/// The most elements of a vector.
const LANES: usize = 16;

/// The matrix transposed: `[columns, rows]`.
pub(super) struct Transposed<'a>(pub(super) &'a Quantized<'a>);

impl Columns for Transposed<'_> {
    fn pack(&self, _: usize, depth: Range<usize>, columns: Range<usize>, width: usize, panel: &mut [f32]) {
        let matrix = self.0;
        if depth.is_empty() || columns.is_empty() {
            return;
        }
        with_numbers!(matrix.encoding, N => {
            dispatch(Panel { matrix, depth, rows: columns, width, panel, numbers: PhantomData::<N> });
        });
    }
}

/// The matrix as it is: `[rows, columns]`.
pub(super) struct AsIs<'a>(pub(super) &'a Quantized<'a>);

impl Columns for AsIs<'_> {
    fn pack(&self, _: usize, depth: Range<usize>, columns: Range<usize>, width: usize, panel: &mut [f32]) {
        for (row, to) in depth.zip(panel.chunks_exact_mut(width)) {
            decode(self.0, row, columns.start, &mut to[..columns.len()]);
        }
    }
}

/// Writes the numbers of a row from column `start` on, as many as `out` takes.
pub(super) fn decode<T: Element>(matrix: &Quantized<'_>, row: usize, start: usize, out: &mut [T]) {
    with_numbers!(matrix.encoding, N => {
        dispatch(Row { matrix, row, start, out, numbers: PhantomData::<N> });
    });
}

struct Panel<'a, N> {
    matrix: &'a Quantized<'a>,
    depth: Range<usize>,
    rows: Range<usize>,
    width: usize,
    panel: &'a mut [f32],
    numbers: PhantomData<N>,
}

impl<N: Numbers> Kernel for Panel<'_, N> {
    type Output = ();

    /// Each element of a vector is of another row. So all are at the same place in their words, whatever the number of
    /// bits, and go to the panel as they are.
    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Panel { matrix, depth, rows, width, panel, .. } = self;
        let (row_words, row_groups) = (matrix.row_words(), matrix.row_groups());
        let group_size = matrix.encoding.group_size();
        let groups = depth.start / group_size..(depth.end - 1) / group_size + 1;
        let table = s.table(&N::TABLE);
        let mut scales = vec![0.0; groups.len() * S::LANES];
        let mut biases = scales.clone();
        for first in (0..width).step_by(S::LANES) {
            let mut starts = [0; LANES];
            for (i, start) in starts[..S::LANES].iter_mut().enumerate() {
                // Behind the last row it does not matter what comes.
                let row = (rows.start + first + i).min(rows.end - 1);
                *start = row * row_words;
                let (place, group) = (i * groups.len(), row * row_groups + groups.start);
                let (scales, biases) =
                    (&mut scales[place..][..groups.len()], &mut biases[place..][..groups.len()]);
                matrix.encoding.load_groups(s, group, scales, biases);
            }
            let (mut scale, mut bias) = (s.splat(0.0), s.splat(0.0));
            let (mut word, mut words) = (usize::MAX, s.splat_int(0));
            let mut group = usize::MAX;
            for (k, to) in depth.clone().zip(panel.chunks_exact_mut(width)) {
                if k / group_size != group {
                    group = k / group_size;
                    scale = across(s, &scales, group - groups.start, groups.len());
                    bias = across(s, &biases, group - groups.start, groups.len());
                }
                let (at, skipped) = (k * N::BITS / 32, (k * N::BITS % 32) as u32);
                if at != word {
                    (word, words) = (at, words_across(s, matrix.words, &starts, at));
                }
                let mut bits = s.shr(words, skipped);
                if skipped as usize + N::BITS > 32 {
                    let next = words_across(s, matrix.words, &starts, at + 1);
                    bits = s.or(bits, s.shl(next, 32 - skipped));
                }
                let numbers = N::decode(s, N::prepare::<S, 0>(s, table, bits), 0);
                s.store(s.fma(numbers, scale, bias), &mut to[first..first + S::LANES]);
            }
        }
    }
}

/// Number `at` of each of several rows of `len`.
#[inline(always)]
fn across<S: Simd>(s: S, numbers: &[f32], at: usize, len: usize) -> S::F {
    let mut one = [0.0; LANES];
    for (i, x) in one[..S::LANES].iter_mut().enumerate() {
        *x = numbers[i * len + at];
    }
    s.load(&one)
}

/// Word `at` of each of several rows.
#[inline(always)]
fn words_across<S: Simd>(s: S, words: &[u32], starts: &[usize; LANES], at: usize) -> S::I {
    let mut one = [0; LANES];
    for (x, start) in one[..S::LANES].iter_mut().zip(starts) {
        *x = words[start + at];
    }
    s.load_words(&one)
}

struct Row<'a, T, N> {
    matrix: &'a Quantized<'a>,
    row: usize,
    start: usize,
    out: &'a mut [T],
    numbers: PhantomData<N>,
}

impl<T: Element, N: Numbers> Kernel for Row<'_, T, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Row { matrix, row, start, out, .. } = self;
        let words = &matrix.words[row * matrix.row_words()..][..matrix.row_words()];
        let group_size = matrix.encoding.group_size();
        let table = s.table(&N::TABLE);
        for (i, out) in out.chunks_mut(S::LANES).enumerate() {
            let (mut bits, mut scales, mut biases) = ([0u32; LANES], [0.0; LANES], [0.0; LANES]);
            for (j, bits) in bits[..out.len()].iter_mut().enumerate() {
                let k = start + i * S::LANES + j;
                let (at, skipped) = (k * N::BITS / 32, k * N::BITS % 32);
                let next = words.get(at + 1).copied().unwrap_or(0);
                *bits = ((u64::from(next) << 32 | u64::from(words[at])) >> skipped) as u32;
                let group = row * matrix.row_groups() + k / group_size;
                if j > 0 && k % group_size != 0 {
                    (scales[j], biases[j]) = (scales[j - 1], biases[j - 1]);
                } else {
                    matrix.encoding.load_groups(s, group, &mut scales[j..j + 1], &mut biases[j..j + 1]);
                }
            }
            let numbers = N::decode(s, N::prepare::<S, 0>(s, table, s.load_words(&bits)), 0);
            let numbers = s.fma(numbers, s.load(&scales), s.load(&biases));
            if out.len() == S::LANES { T::store(s, numbers, out) } else { T::store_part(s, numbers, out) }
        }
    }
}
