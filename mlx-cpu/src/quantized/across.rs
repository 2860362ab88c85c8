//! Products of several vectors with integers of 2, 4 and 8 bits, where processors multiply bytes: each element of a register
//! is of another row, so nothing has to be added across registers.
//!
//! Vectors are in [digits](super::digits) here, too. What a row's numbers need before they are multiplied, all vectors share.

use super::{
    Encoding, Quantized,
    digits::{DIGITS, LEAST_COLUMNS, SHARED, in_digits, slots, with_bits},
};
use crate::{
    FloatsMut,
    floats::with_floats,
    gemm::Scratch,
    simd::{Bytes, BytesKernel, Element, dispatch_bytes},
};
use std::ops::Range;

/// Words whose bytes meet the numbers of as many columns as share a factor.
const WORDS: usize = SHARED / 4;
/// About so many columns of the rows at a time stay in the first-level cache (16 KB) while the vectors go by.
const COLUMNS: usize = 1024;
/// The most elements of a register.
const LANES: usize = 16;
/// Words of a cache line.
const LINE: usize = 16;

/// Vectors in digits. Those of a [tile] are side by side.
pub(super) struct Across {
    count: usize,
    /// For each tile, [`SHARED`] columns, vector, and digit from the highest on: [`WORDS`], each of whose bytes meets a byte of
    /// numbers.
    values: Vec<u32>,
    /// For each tile, [`SHARED`] columns and vector what the integers are multiplied with.
    factors: Vec<f32>,
    /// For each tile, group and vector the sum of the elements.
    sums: Vec<f32>,
}

/// How many of so many vectors are multiplied at a time.
fn tile(count: usize) -> usize {
    match count {
        4.. => 4,
        2.. => 2,
        _ => 1,
    }
}

impl Across {
    /// Whether there are products with the matrix: it is one of these integers, its rows are long enough that the rounding of
    /// elements counts for no more than that of sums, and one instruction multiplies bytes and adds: two for each digit would be
    /// more than multiplications of `f32`, of which the numbers are decoded for all vectors, too.
    pub(super) fn fits(matrix: &Quantized<'_>) -> bool {
        struct AtOnce;
        impl BytesKernel for AtOnce {
            type Output = bool;
            #[inline(always)]
            fn run<S: Bytes>(self, _: S) -> bool {
                S::AT_ONCE
            }
        }
        matrix.columns >= LEAST_COLUMNS
            && matrix.encoding.whole_bits().is_some()
            && dispatch_bytes(AtOnce).unwrap_or(false)
    }

    /// The vectors `x[count, columns]`, if the matrix [fits](Across::fits) and no elements are too large or too small.
    pub(super) fn of(x: &[f32], count: usize, matrix: &Quantized<'_>) -> Option<Across> {
        if !Across::fits(matrix) {
            return None;
        }
        let (columns, group_size) = (matrix.columns, matrix.encoding.group_size());
        with_bits!(matrix.encoding.whole_bits()?, BITS => {
            dispatch_bytes(Split::<BITS> { x, count, columns, group_size })?
        })
    }

    /// The products of the rows of the matrix from `row` on with each vector, as many as its part of `outs` takes.
    pub(super) fn multiply(&self, matrix: &Quantized<'_>, row: usize, outs: &mut [FloatsMut<'_>]) {
        let Encoding::Affine { bits, scales, biases, .. } = matrix.encoding else { return };
        with_floats!(scales, scales => {
            let biases = Element::slice(biases);
            with_bits!(bits, BITS => {
                dispatch_bytes(Products::<_, BITS> { matrix, row, vectors: self, scales, biases, outs })
            });
        });
    }
}

struct Split<'a, const BITS: usize> {
    x: &'a [f32],
    count: usize,
    columns: usize,
    group_size: usize,
}

impl<const BITS: usize> BytesKernel for Split<'_, BITS> {
    type Output = Option<Across>;

    #[inline(always)]
    fn run<S: Bytes>(self, s: S) -> Option<Across> {
        let Split { x, count, columns, group_size } = self;
        let (parts, groups) = (columns / SHARED, columns / group_size);
        let mut values = vec![0; count * parts * DIGITS * WORDS];
        let (mut factors, mut sums) = (vec![0.0; count * parts], vec![0.0; count * groups]);
        let mut first = 0;
        while first < count {
            let tile = tile(count - first);
            for (i, x) in x[first * columns..].chunks_exact(columns).take(tile).enumerate() {
                for (part, x) in x.chunks_exact(SHARED).enumerate() {
                    let at = first * parts + part * tile + i;
                    let (integers, factor, total) = in_digits(s, x)?;
                    factors[at] = factor;
                    sums[first * groups + part * SHARED / group_size * tile + i] += total;
                    spread::<S, BITS>(s, &integers, &mut values[at * DIGITS * WORDS..][..DIGITS * WORDS]);
                }
            }
            first += tile;
        }
        Some(Across { count, values, factors, sums })
    }
}

/// Writes the digits of integers to the bytes that meet their numbers.
#[inline(always)]
fn spread<S: Bytes, const BITS: usize>(s: S, integers: &[u32; SHARED], values: &mut [u32]) {
    // In the order of the bytes.
    let mut ordered = [0; SHARED];
    for (place, to) in ordered.iter_mut().enumerate() {
        let (word, byte) = (place / 4, place % 4);
        let number = word / slots(BITS) * (32 / BITS) + byte * slots(BITS) + word % slots(BITS);
        *to = integers[number];
    }
    for (digit, values) in values.chunks_exact_mut(WORDS).enumerate() {
        for (integers, values) in ordered.chunks_exact(S::LANES).zip(values.chunks_exact_mut(S::LANES / 4)) {
            let digits = s.shr(s.load_words(integers), (8 * (DIGITS - 1 - digit)) as u32);
            // The digits have signs.
            s.store_bytes(s.add_int(digits, s.splat_int(0x80)), values);
        }
    }
}

struct Products<'a, 'b, E, const BITS: usize> {
    matrix: &'a Quantized<'a>,
    row: usize,
    vectors: &'a Across,
    scales: &'a [E],
    biases: &'a [E],
    outs: &'a mut [FloatsMut<'b>],
}

impl<E: Element, const BITS: usize> BytesKernel for Products<'_, '_, E, BITS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Bytes>(self, s: S) {
        let Products { matrix, row, vectors, scales, biases, outs } = self;
        let (groups, group_size, count) = (matrix.row_groups(), matrix.encoding.group_size(), vectors.count);
        let (columns, row_words) = (matrix.columns, matrix.row_words());
        let rows = outs.first().map_or(0, |out| out.len());
        let block = (COLUMNS / group_size).max(1) * group_size;
        let mut scales_across = Scratch::new(groups * S::LANES);
        let mut biases_across = Scratch::new(groups * S::LANES);
        let mut bytes = Scratch::new(block.min(columns) / 4 * S::LANES);
        let mut totals = Scratch::new(count * S::LANES);
        for first in (0..rows).step_by(S::LANES) {
            let row = row + first;
            across(s, &scales[row * groups..], groups, &mut scales_across);
            across(s, &biases[row * groups..], groups, &mut biases_across);
            totals.fill(0.0);
            for start in (0..columns).step_by(block) {
                let columns = start..columns.min(start + block);
                let words = columns.start * BITS / 32..columns.end * BITS / 32;
                decode::<S, BITS>(s, &matrix.words[row * row_words..], row_words, words.clone(), &mut bytes);
                let panel = Panel::<S, BITS> {
                    s,
                    bytes: &bytes,
                    columns,
                    group_size,
                    scales: &scales_across,
                    biases: &biases_across,
                };
                // The rows behind these come into the caches meanwhile.
                let ahead = (row + S::LANES) * row_words + words.start * S::LANES;
                let mut ahead = matrix.words.get(ahead..).unwrap_or_default();
                let mut i = 0;
                while i < count {
                    let totals = &mut totals[i * S::LANES..];
                    i += match tile(count - i) {
                        4 => panel.add::<4>(vectors, i, ahead, totals),
                        2 => panel.add::<2>(vectors, i, ahead, totals),
                        _ => panel.add::<1>(vectors, i, ahead, totals),
                    };
                    ahead = &[];
                }
            }
            for (out, total) in outs.iter_mut().zip(totals.chunks_exact(S::LANES)) {
                with_floats!(mut out, out => {
                    let (out, total) = (&mut out[first..rows.min(first + S::LANES)], s.load(total));
                    if out.len() == S::LANES { Element::store(s, total, out) } else { Element::store_part(s, total, out) }
                });
            }
        }
    }
}

/// Writes the numbers of `groups` of the first rows of `from`, as many as a register has elements, to `out[groups, rows]`.
#[inline(always)]
fn across<S: Bytes, E: Element>(s: S, from: &[E], groups: usize, out: &mut [f32]) {
    for first in (0..groups).step_by(S::LANES) {
        // Rather some groups again than few groups alone.
        let first = first.min(groups.saturating_sub(S::LANES));
        let count = S::LANES.min(groups - first);
        let mut square = [s.splat(0.0); LANES];
        for (row, line) in from.chunks_exact(groups).zip(&mut square[..S::LANES]) {
            let row = &row[first..];
            *line = if row.len() >= S::LANES { E::load(s, row) } else { E::load_part(s, row) };
        }
        s.transpose(&mut square[..S::LANES]);
        for (line, out) in square[..count].iter().zip(out[first * S::LANES..].chunks_exact_mut(S::LANES)) {
            s.store(*line, out);
        }
    }
}

/// Writes some words of the first rows of `from`, as many as a register has elements, to `out`: for each [`SHARED`] numbers of
/// a row [`WORDS`] registers, whose bytes are the numbers in the order of [`spread`].
#[inline(always)]
fn decode<S: Bytes, const BITS: usize>(
    s: S,
    from: &[u32],
    row_words: usize,
    range: Range<usize>,
    out: &mut [f32],
) {
    let mut out = out.chunks_exact_mut(S::LANES);
    for at in range.clone().step_by(S::LANES) {
        let mut words = [s.splat(0.0); LANES];
        for (row, line) in from.chunks_exact(row_words).zip(&mut words[..S::LANES]) {
            let row = &row[at..];
            let whole = row.len() >= S::LANES;
            *line = s.float_of_bits(if whole { s.load_words(row) } else { s.load_words_padded(row) });
        }
        s.transpose(&mut words[..S::LANES]);
        for words in &words[..S::LANES.min(range.end - at)] {
            for slot in 0..slots(BITS) {
                let mut bytes = s.bits_of_float(*words);
                if BITS < 8 {
                    let mask = s.splat_int(((1 << BITS) - 1) * 0x0101_0101);
                    bytes = s.and(s.shr(bytes, (slot * BITS) as u32), mask);
                }
                if let Some(out) = out.next() {
                    s.store(s.float_of_bits(bytes), out);
                }
            }
        }
    }
}

/// Some columns of as many rows as a register has elements.
struct Panel<'a, S, const BITS: usize> {
    s: S,
    /// What [`decode`] gives, by bytes of one column of each row.
    bytes: &'a [f32],
    columns: Range<usize>,
    group_size: usize,
    /// For each group of all columns those of the rows.
    scales: &'a [f32],
    biases: &'a [f32],
}

impl<S: Bytes, const BITS: usize> Panel<'_, S, BITS> {
    /// Adds the products with the tile of `M` vectors from number `first` on to `totals[vectors, rows]`; gives `M`. Begins to
    /// bring `ahead` into the caches.
    #[inline(always)]
    fn add<const M: usize>(
        &self,
        vectors: &Across,
        first: usize,
        ahead: &[u32],
        totals: &mut [f32],
    ) -> usize {
        let (s, per_group) = (self.s, self.group_size / SHARED);
        let (parts, groups) = (vectors.factors.len() / vectors.count, vectors.sums.len() / vectors.count);
        let own_groups = self.columns.start / self.group_size..self.columns.end / self.group_size;
        let own_parts = self.columns.start / SHARED..self.columns.end / SHARED;
        let values = vectors.values[first * parts * DIGITS * WORDS..].as_chunks().0.as_chunks::<M>().0;
        let factors = vectors.factors[first * parts..].as_chunks::<M>().0;
        let sums = vectors.sums[first * groups..].as_chunks::<M>().0;
        let mut of_parts = self.bytes.chunks_exact(WORDS * S::LANES);
        let (values, factors) = (&values[own_parts.clone()], &factors[own_parts]);
        let mut lines = ahead.chunks_exact(LINE);
        let mut total = [s.splat(0.0); M];
        for m in 0..M {
            total[m] = s.load(&totals[m * S::LANES..]);
        }
        let of_groups = self.scales.chunks_exact(S::LANES).zip(self.biases.chunks_exact(S::LANES));
        let of_groups = of_groups.zip(sums).skip(own_groups.start);
        let of_vectors = values.chunks_exact(per_group).zip(factors.chunks_exact(per_group));
        for (((scale, bias), sums), (values, factors)) in of_groups.zip(of_vectors) {
            let (scale, bias) = (s.load(scale), s.load(bias));
            for m in 0..M {
                total[m] = s.fma(bias, s.splat(sums[m]), total[m]);
            }
            for ((values, factors), bytes) in values.iter().zip(factors).zip(of_parts.by_ref()) {
                for line in lines.by_ref().take(BITS * S::LANES / LINE) {
                    s.prefetch(line);
                }
                let products = products(s, values, bytes);
                for m in 0..M {
                    total[m] = s.fma(products[m], s.mul(scale, s.splat(factors[m])), total[m]);
                }
            }
        }
        for m in 0..M {
            s.store(total[m], &mut totals[m * S::LANES..]);
        }
        M
    }
}

/// The sums of the products of [`WORDS`] registers of bytes and the integers of vectors, which are of three digits.
#[inline(always)]
fn products<S: Bytes, const M: usize>(s: S, values: &[[u32; DIGITS * WORDS]; M], bytes: &[f32]) -> [S::F; M] {
    // Many sums at once, as each takes several cycles to take a product.
    let none = s.splat_int(0);
    let mut digits = [[s.begin(none); DIGITS]; M];
    for (i, bytes) in bytes.chunks_exact(S::LANES).enumerate().take(WORDS) {
        let bytes = s.bits_of_float(s.load(bytes));
        for m in 0..M {
            for d in 0..DIGITS {
                digits[m][d] = s.add_products(digits[m][d], bytes, s.splat_int(values[m][d * WORDS + i]));
            }
        }
    }
    let mut sums = [s.splat(0.0); M];
    for m in 0..M {
        // Two digits are exact as integers, and with bytes of up to 4 bits as floats; all three would be more than 32 bits.
        let [high, middle, low] = digits[m];
        let high = s.add_int(s.shl(s.finish(none, high), 8), s.finish(none, middle));
        sums[m] = s.fma(s.to_float(high), s.splat(256.0), s.to_float(s.finish(none, low)));
    }
    sums
}
