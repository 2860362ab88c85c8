//! Products of a vector with integers of 2, 4 and 8 bits, where processors multiply bytes.
//!
//! The elements of a vector become integers of 24 bits and a factor that 32 of them share: their rounding is at most that
//! of the largest in single precision. An integer is three digits of 8 bits with signs, and sums of products of digits with
//! numbers of the matrix are exact. That takes half the instructions that conversions to `f32` do.

use super::{
    Encoding, Quantized,
    layout::Layout,
    numbers::Integer,
    vector::{TILE, biased, load_words, prefetch, rows_of},
};
use crate::{
    floats::with_floats,
    simd::{Bytes, BytesKernel, Element, Simd, dispatch_bytes},
};
use std::{iter, sync::Arc};

/// In shorter vectors the rounding of elements would count for more than that of sums.
pub(super) const LEAST_COLUMNS: usize = 256;
/// Digits of an element.
pub(super) const DIGITS: usize = 3;
/// Elements that share a factor; every group has a multiple of so many.
pub(super) const SHARED: usize = 32;
/// The integer of the largest element of those: below 2²³, as digits have signs.
const LARGEST: f32 = 8_355_000.0;
/// What makes the digits of an integer positive; as bits, where they differ then.
const POSITIVE: u32 = 0x0080_8080;
/// Between these, factors and their reciprocals are normal numbers.
const SIZES: [f32; 2] = [1e-30, 1e30];

/// A vector in digits.
pub(super) struct Digits {
    /// How the rows of the matrix are laid out.
    layout: Arc<Layout>,
    /// For each block, digit from the highest on, and slot, a vector of words whose bytes meet those of the slot.
    values: Vec<u32>,
    /// For each block the factors of its words.
    factors: Vec<f32>,
    /// The sums over groups, and zeros to a whole number of vectors.
    sums: Vec<f32>,
}

/// In how many slots the numbers of a word are, so that each has a byte.
pub(super) const fn slots(bits: usize) -> usize {
    8 / bits
}

/// Evaluates an expression with the bits of integers as a constant; `None` for others than those of this file.
macro_rules! with_bits {
    ($bits:expr, $constant:ident => $body:expr) => {
        match $bits {
            2 => {
                const $constant: usize = 2;
                $body
            }
            4 => {
                const $constant: usize = 4;
                $body
            }
            8 => {
                const $constant: usize = 8;
                $body
            }
            _ => None,
        }
    };
}
pub(super) use with_bits;

impl Digits {
    /// The vector `x` in digits, if the matrix is one of these integers, the processor multiplies bytes, and the elements are
    /// not too few, too large or too small.
    pub(super) fn of(x: &[f32], matrix: &Quantized<'_>) -> Option<Digits> {
        if matrix.columns < LEAST_COLUMNS {
            return None;
        }
        let group_size = matrix.encoding.group_size();
        with_bits!(matrix.encoding.whole_bits()?, BITS => dispatch_bytes(Split::<BITS> { x, group_size })?)
    }

    /// The products of the rows of the matrix from `row` on with the vector, into `out[rows]`.
    pub(super) fn multiply(&self, matrix: &Quantized<'_>, row: usize, out: &mut [f32]) {
        let Encoding::Affine { bits, scales, biases, .. } = matrix.encoding else { return };
        with_floats!(scales, scales => {
            let biases = Element::slice(biases);
            with_bits!(bits, BITS => {
                dispatch_bytes(Products::<_, BITS> { matrix, row, vector: self, scales, biases, out })
            });
        });
    }
}

struct Split<'a, const BITS: usize> {
    x: &'a [f32],
    group_size: usize,
}

impl<const BITS: usize> BytesKernel for Split<'_, BITS> {
    type Output = Option<Digits>;

    #[inline(always)]
    fn run<S: Bytes>(self, s: S) -> Option<Digits> {
        let Split { x, group_size } = self;
        if (1 << BITS) - 1 > S::LARGEST {
            return None;
        }
        let layout = Layout::of::<Integer<BITS>>(x.len(), group_size, S::LANES);
        let words = layout.blocks * S::LANES;
        let (mut values, mut factors) = (vec![0; words * DIGITS * slots(BITS)], vec![0.0; words]);
        let mut sums = vec![0.0; layout.present.len()];
        for (i, x) in x.chunks_exact(SHARED).enumerate() {
            let (integers, factor, total) = in_digits(s, x)?;
            sums[i * SHARED / group_size] += total;
            for (word, integers) in integers.chunks_exact(32 / BITS).enumerate() {
                let (block, lane) = ((i * BITS + word) / S::LANES, (i * BITS + word) % S::LANES);
                factors[block * S::LANES + lane] = factor;
                for slot in 0..slots(BITS) {
                    let mut bytes = [[0; 4]; DIGITS];
                    for byte in 0..4 {
                        let digits = integers[byte * slots(BITS) + slot] ^ POSITIVE;
                        let [low, middle, high, _] = digits.to_le_bytes();
                        (bytes[0][byte], bytes[1][byte], bytes[2][byte]) = (high, middle, low);
                    }
                    for (digit, bytes) in bytes.into_iter().enumerate() {
                        let place = (block * DIGITS + digit) * slots(BITS) + slot;
                        values[place * S::LANES + lane] = u32::from_le_bytes(bytes);
                    }
                }
            }
        }
        Some(Digits { layout, values, factors, sums })
    }
}

/// The integers of [`SHARED`] elements plus [`POSITIVE`], what they are to be multiplied with, and the sum of the elements.
#[inline(always)]
pub(super) fn in_digits<S: Simd>(s: S, x: &[f32]) -> Option<([u32; SHARED], f32, f32)> {
    let (mut total, mut size) = (s.splat(0.0), s.splat(0.0));
    for x in x.chunks_exact(S::LANES) {
        let x = s.load(x);
        total = s.add(total, x);
        size = s.max(size, s.float_of_bits(s.and(s.bits_of_float(x), s.splat_int(u32::MAX >> 1))));
    }
    let (total, size) = (s.sum(total), s.largest(size));
    // The sum also tells of NaN, which a maximum may not.
    if !total.is_finite() || size > SIZES[1] || size < SIZES[0] && size != 0.0 {
        return None;
    }
    let mut integers = [0; SHARED];
    let reciprocal = s.splat(if size == 0.0 { 0.0 } else { LARGEST / size });
    for (x, to) in x.chunks_exact(S::LANES).zip(integers.chunks_exact_mut(S::LANES)) {
        let integer = s.round(s.mul(s.load(x), reciprocal));
        s.store_words(s.add_int(integer, s.splat_int(POSITIVE)), to);
    }
    Some((integers, size / LARGEST, total))
}

struct Products<'a, E, const BITS: usize> {
    matrix: &'a Quantized<'a>,
    row: usize,
    vector: &'a Digits,
    scales: &'a [E],
    biases: &'a [E],
    out: &'a mut [f32],
}

impl<E: Element, const BITS: usize> BytesKernel for Products<'_, E, BITS> {
    type Output = ();

    #[inline(always)]
    fn run<S: Bytes>(self, s: S) {
        let Products { matrix, row, vector, scales, biases, out } = self;
        let (row_words, groups) = (matrix.row_words(), matrix.row_groups());
        for (i, out) in out.chunks_mut(TILE).enumerate() {
            let row = row + i * TILE;
            // A vector more than there are, because vectors are loaded that begin with the last group.
            let (at, len) = (row * groups, out.len() * groups + S::LANES);
            let padded = match (scales.get(at..at + len), biases.get(at..at + len)) {
                (Some(_), Some(_)) => None,
                _ => Some((padded(&scales[at..], len), padded(&biases[at..], len))),
            };
            let (scales, biases) = match &padded {
                Some((scales, biases)) => (&scales[..], &biases[..]),
                None => (&scales[at..at + len], &biases[at..at + len]),
            };
            let words = &matrix.words[row * row_words..];
            prefetch(s, words, row_words, 2 * TILE);
            let rows = Rows::<E, S, BITS> { s, words, row_words, scales, biases, groups, vector };
            if out.len() == TILE {
                let [[a], [b], [c], [d]] = rows.multiply::<TILE>(0);
                out.copy_from_slice(&s.sums([a, b, c, d]));
            } else {
                for (r, out) in out.iter_mut().enumerate() {
                    let ([[total]], none) = (rows.multiply::<1>(r), s.splat(0.0));
                    // In the order in which those of a tile are added up.
                    [*out, ..] = s.sums([total, none, none, none]);
                }
            }
        }
    }
}

/// The first numbers, or all of them and zeros.
fn padded<E: Element>(x: &[E], len: usize) -> Vec<E> {
    x.iter().copied().chain(iter::repeat(E::default())).take(len).collect()
}

/// Rows of a matrix.
struct Rows<'a, E, S: Simd, const BITS: usize> {
    s: S,
    words: &'a [u32],
    row_words: usize,
    scales: &'a [E],
    biases: &'a [E],
    groups: usize,
    vector: &'a Digits,
}

impl<E: Element, S: Bytes, const BITS: usize> Rows<'_, E, S, BITS> {
    /// For each of `R` rows a vector whose sum is the product.
    #[inline(always)]
    fn multiply<const R: usize>(&self, row: usize) -> [[S::F; 1]; R] {
        let (s, layout, block_words) = (self.s, &*self.vector.layout, DIGITS * slots(BITS) * S::LANES);
        let words: [&[u32]; R] = rows_of(self.words, row, self.row_words, self.row_words);
        let scales: [&[E]; R] = rows_of(self.scales, row, self.groups, self.groups + S::LANES);
        let biases: [&[E]; R] = rows_of(self.biases, row, self.groups, self.groups + S::LANES);
        let mut totals = biased(s, layout, &biases, &[&self.vector.sums]);
        for (block, values) in self.vector.values.chunks_exact(block_words).enumerate() {
            let factors = s.load(&self.vector.factors[block * S::LANES..][..S::LANES]);
            let places = s.load_words(&layout.places[block * S::LANES..][..S::LANES]);
            let loaded = load_words(s, &words, block * S::LANES);
            for r in 0..R {
                let sum = s.mul(self.sum(loaded[r], values), factors);
                let of_block = E::load(s, &scales[r][layout.groups[block]..][..S::LANES]);
                totals[r][0] = s.fma(sum, s.permute(of_block, places), totals[r][0]);
            }
        }
        totals
    }

    /// The sums over each word of products of its numbers with integers.
    #[inline(always)]
    fn sum(&self, words: S::I, values: &[u32]) -> S::F {
        let s = self.s;
        let mut sum = s.splat_int(0);
        let mut high = s.splat(0.0);
        for digit in 0..DIGITS {
            if BITS == 8 && digit == DIGITS - 1 {
                // All three digits together would need more than 32 bits.
                high = s.mul(s.to_float(sum), s.splat(256.0));
                sum = s.splat_int(0);
            } else if digit > 0 {
                sum = s.shl(sum, 8);
            }
            let mut products = s.begin(sum);
            for slot in 0..slots(BITS) {
                let mut bytes = words;
                if BITS < 8 {
                    bytes = s.and(
                        s.shr(words, (slot * BITS) as u32),
                        s.splat_int(((1 << BITS) - 1) * 0x0101_0101),
                    );
                }
                let values = s.load_words(&values[(digit * slots(BITS) + slot) * S::LANES..][..S::LANES]);
                products = s.add_products(products, bytes, values);
            }
            sum = s.finish(sum, products);
        }
        if BITS == 8 { s.add(high, s.to_float(sum)) } else { s.to_float(sum) }
    }
}
