//! Products of rows with few vectors: each number of the matrix is decoded once for all of them.

use super::{
    Quantized,
    layout::{Arranged, Layout},
    numbers::Numbers,
};
use crate::simd::{Element, Kernel, Simd};
use std::{marker::PhantomData, slice::ChunksExact};

/// Rows that are multiplied at once, to use what is loaded of a vector several times.
pub(super) const TILE: usize = 4;

/// About so many scales are decoded at once.
const SCALES: usize = 1024;

/// Products of the rows from `row` on with some of the arranged vectors, as many rows as `out[rows, picks]` takes.
pub(super) struct Products<'a, N> {
    pub(super) matrix: &'a Quantized<'a>,
    pub(super) row: usize,
    pub(super) vectors: &'a Arranged,
    pub(super) picks: &'a [u32],
    pub(super) out: &'a mut [f32],
    pub(super) numbers: PhantomData<N>,
}

impl<N: Numbers> Kernel for Products<'_, N> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let Products { matrix, row, vectors, picks, out, .. } = self;
        let (row_words, groups, encoding) = (matrix.row_words(), matrix.row_groups(), &matrix.encoding);
        let strip = (SCALES / (TILE * groups.max(1))).max(1) * TILE;
        // A vector more, because vectors are loaded that begin with the last group.
        let mut scales = vec![0.0; strip * groups + S::LANES];
        let mut biases = scales.clone();
        for (i, out) in out.chunks_mut(strip * picks.len()).enumerate() {
            let (row, rows) = (row + i * strip, out.len() / picks.len());
            encoding.load_groups(s, row * groups, &mut scales[..rows * groups], &mut biases[..rows * groups]);
            let rows = Rows::<N, S> {
                s,
                table: s.table(&N::TABLE),
                words: &matrix.words[row * row_words..],
                row_words,
                scales: &scales,
                biases: &biases,
                groups,
                layout: &vectors.layout,
                numbers: PhantomData,
            };
            rows.multiply(vectors, picks, out);
        }
    }
}

/// Rows of a matrix.
struct Rows<'a, N, S: Simd> {
    s: S,
    table: S::Table,
    /// The words of each row, one after the other, to the end of the matrix.
    words: &'a [u32],
    /// How many a row has.
    row_words: usize,
    /// The scales of each row, and what else a vector of them may reach.
    scales: &'a [f32],
    /// Likewise the biases.
    biases: &'a [f32],
    /// How many groups a row has.
    groups: usize,
    layout: &'a Layout,
    numbers: PhantomData<N>,
}

/// The values and the sums of an arranged vector.
type Vector<'a> = (&'a [f32], &'a [f32]);

impl<N: Numbers, S: Simd> Rows<'_, N, S> {
    /// Multiplies all rows with some vectors, into `out[rows, picks]`.
    #[inline(always)]
    fn multiply(&self, vectors: &Arranged, picks: &[u32], out: &mut [f32]) {
        let stride = picks.len();
        for (tile, out) in out.chunks_mut(TILE * stride).enumerate() {
            let (row, rows) = (tile * TILE, out.len() / stride);
            let mut at = 0;
            while at < stride {
                let out = &mut out[at..];
                at += match picks[at..] {
                    [a, b, c, d, ..] if rows == TILE => {
                        let x = [vectors.vector(a), vectors.vector(b), vectors.vector(c), vectors.vector(d)];
                        for r in [0, 2] {
                            self.tile::<2, 4>(row + r, x, &mut out[r * stride..], stride);
                        }
                        4
                    }
                    [a, ..] if rows == TILE => {
                        prefetch(self.s, self.words, self.row_words, row + 2 * TILE);
                        let x = vectors.vector(a);
                        if N::STRADDLE {
                            self.tile::<TILE, 1>(row, [x], out, stride);
                        } else if self.layout.uniform {
                            self.line::<true>(row, x, out, stride);
                        } else {
                            self.line::<false>(row, x, out, stride);
                        }
                        1
                    }
                    [a, ..] => {
                        for r in 0..rows {
                            let (out, x) = (&mut out[r * stride..], [vectors.vector(a)]);
                            self.tile::<1, 1>(row + r, x, out, stride);
                        }
                        1
                    }
                    [] => unreachable!("a vector is left"),
                };
            }
        }
    }

    /// Multiplies a tile of rows with one vector. Each block is of one group (`UNIFORM`), or of the same number of whole
    /// groups.
    #[allow(clippy::needless_range_loop, reason = "all rows of a tile have as many scales")]
    #[inline(always)]
    fn line<const UNIFORM: bool>(&self, row: usize, x: Vector<'_>, out: &mut [f32], stride: usize) {
        let s = self.s;
        let rows: [&[u32]; TILE] = rows_of(self.words, row, self.row_words, self.row_words);
        let scales: [&[f32]; TILE] = rows_of(self.scales, row, self.groups, self.groups + S::LANES);
        let mut totals: [[S::F; 1]; TILE] = self.biases(row, &[x]);
        let [a, b, c, d] = rows;
        let mut words = [
            a.chunks_exact(S::LANES),
            b.chunks_exact(S::LANES),
            c.chunks_exact(S::LANES),
            d.chunks_exact(S::LANES),
        ];
        let mut blocks = x.0.chunks_exact(N::ALL_SLOTS * S::LANES);
        if UNIFORM {
            let per_group = self.layout.blocks / self.groups;
            for group in 0..self.groups {
                let mut sums = [[s.splat(0.0)]; TILE];
                for x in blocks.by_ref().take(per_group) {
                    self.add_block(&next_words(s, &mut words), x, &mut sums);
                }
                for r in 0..TILE {
                    totals[r][0] = s.fma(sums[r][0], s.splat(scales[r][group]), totals[r][0]);
                }
            }
        } else {
            let per_block = S::LANES * self.groups / self.row_words;
            let whole = self.row_words / S::LANES;
            for (block, x) in blocks.enumerate() {
                let is_whole = block < whole;
                let loaded =
                    if is_whole { next_words(s, &mut words) } else { load_words(s, &rows, block * S::LANES) };
                let mut sums = [[s.splat(0.0)]; TILE];
                self.add_block(&loaded, x, &mut sums);
                let places = s.load_words(&self.layout.places[block * S::LANES..][..S::LANES]);
                for r in 0..TILE {
                    let scale = s.permute(s.load(&scales[r][block * per_block..][..S::LANES]), places);
                    totals[r][0] = s.fma(sums[r][0], scale, totals[r][0]);
                }
            }
        }
        let [[a], [b], [c], [d]] = totals;
        for (r, sum) in s.sums([a, b, c, d]).into_iter().enumerate() {
            out[r * stride] = sum;
        }
    }

    /// Adds the products of the numbers of a block of a tile with a vector.
    #[inline(always)]
    fn add_block(&self, words: &[S::I; TILE], x: &[f32], sums: &mut [[S::F; 1]; TILE]) {
        self.add_part::<1, TILE, 1>(words, &[x], sums);
        self.add_part::<0, TILE, 1>(words, &[x], sums);
    }

    /// Multiplies `R` rows from `row` on with `M` vectors, and writes product `(r, m)` to `out[r * stride + m]`.
    #[inline(always)]
    fn tile<const R: usize, const M: usize>(
        &self,
        row: usize,
        vectors: [Vector<'_>; M],
        out: &mut [f32],
        stride: usize,
    ) {
        let s = self.s;
        let words: [&[u32]; R] = rows_of(self.words, row, self.row_words, self.row_words);
        let scales: [&[f32]; R] = rows_of(self.scales, row, self.groups, self.groups + S::LANES);
        let mut totals: [[S::F; M]; R] = self.biases(row, &vectors);
        for block in 0..self.layout.blocks {
            let mut x = [&[][..]; M];
            for m in 0..M {
                x[m] = &vectors[m].0[block * N::ALL_SLOTS * S::LANES..][..N::ALL_SLOTS * S::LANES];
            }
            let places = &self.layout.places[block * S::LANES..][..S::LANES];
            let mut of_block = [&[][..]; R];
            for r in 0..R {
                of_block[r] = &scales[r][self.layout.groups[block]..][..S::LANES];
            }
            let (first, second) = self.load(&words, block);
            let mut sums = [[s.splat(0.0); M]; R];
            self.add_part::<1, R, M>(&second, &x, &mut sums);
            self.add_part::<0, R, M>(&first, &x, &mut sums);
            for r in 0..R {
                let scale = s.permute(s.load(of_block[r]), s.load_words(places));
                for m in 0..M {
                    totals[r][m] = s.fma(sums[r][m], scale, totals[r][m]);
                }
            }
        }
        for r in 0..R {
            for m in 0..M {
                out[r * stride + m] = s.sum(totals[r][m]);
            }
        }
    }

    /// Adds the products of the numbers of a part of a block with vectors.
    #[inline(always)]
    fn add_part<const PART: usize, const R: usize, const M: usize>(
        &self,
        words: &[S::I; R],
        x: &[&[f32]; M],
        sums: &mut [[S::F; M]; R],
    ) {
        let s = self.s;
        let mut prepared = *words;
        for r in 0..R {
            prepared[r] = N::prepare::<S, PART>(s, self.table, words[r]);
        }
        for slot in 0..N::SLOTS[PART] {
            let mut of_slot = [s.splat(0.0); M];
            for m in 0..M {
                of_slot[m] = s.load(&x[m][(PART * N::SLOTS[0] + slot) * S::LANES..]);
            }
            for r in 0..R {
                let numbers = N::decode(s, prepared[r], slot);
                for m in 0..M {
                    sums[r][m] = s.fma(numbers, of_slot[m], sums[r][m]);
                }
            }
        }
    }

    /// The products of the biases of `R` rows with the sums of vectors over groups.
    #[inline(always)]
    fn biases<const R: usize, const M: usize>(
        &self,
        row: usize,
        vectors: &[Vector<'_>; M],
    ) -> [[S::F; M]; R] {
        if !N::BIASED {
            return [[self.s.splat(0.0); M]; R];
        }
        let biases: [&[f32]; R] = rows_of(self.biases, row, self.groups, self.groups + S::LANES);
        let mut sums = [&[][..]; M];
        for m in 0..M {
            sums[m] = vectors[m].1;
        }
        biased(self.s, self.layout, &biases, &sums)
    }

    /// The words of a block of rows for the two parts.
    #[inline(always)]
    fn load<const R: usize>(&self, rows: &[&[u32]; R], block: usize) -> ([S::I; R], [S::I; R]) {
        let s = self.s;
        let words = load_words(s, rows, block * S::LANES);
        if !N::STRADDLE {
            return (words, words);
        }
        let next = load_words(s, rows, block * S::LANES + 1);
        let skipped = s.load_words(&self.layout.skipped[block * S::LANES..]);
        let kept = s.load_words(&self.layout.kept[block * S::LANES..]);
        let whole_bits = (N::SLOTS[0] * N::BITS) as u32;
        let all_skipped = s.add_int(skipped, s.splat_int(whole_bits));
        let none_kept = s.add_int(kept, s.splat_int(whole_bits.wrapping_neg()));
        let (mut whole, mut last) = (words, words);
        for r in 0..R {
            whole[r] = s.or(s.shr_each(words[r], skipped), s.shl_each(next[r], kept));
            last[r] = s.or(s.shr_each(words[r], all_skipped), s.shl_each(next[r], none_kept));
        }
        (whole, last)
    }
}

/// The products of the biases of rows, with a vector more behind each, with the sums of vectors over groups.
#[inline(always)]
pub(super) fn biased<S: Simd, E: Element, const R: usize, const M: usize>(
    s: S,
    layout: &Layout,
    biases: &[&[E]; R],
    sums: &[&[f32]; M],
) -> [[S::F; M]; R] {
    let mut totals = [[s.splat(0.0); M]; R];
    for (i, present) in layout.present.chunks_exact(S::LANES).enumerate() {
        let mut of_part = [s.splat(0.0); M];
        for m in 0..M {
            of_part[m] = s.load(&sums[m][i * S::LANES..][..S::LANES]);
        }
        for r in 0..R {
            // What follows the row is another, whose biases may be infinite.
            let biases = E::load(s, &biases[r][i * S::LANES..][..S::LANES]);
            let biases = s.float_of_bits(s.and(s.bits_of_float(biases), s.load_words(present)));
            for m in 0..M {
                totals[r][m] = s.fma(biases, of_part[m], totals[r][m]);
            }
        }
    }
    totals
}

/// Rows of `len` elements, `stride` apart.
#[inline(always)]
pub(super) fn rows_of<T, const R: usize>(all: &[T], first: usize, stride: usize, len: usize) -> [&[T]; R] {
    let mut rows = [&all[..0]; R];
    for r in 0..R {
        rows[r] = &all[(first + r) * stride..][..len];
    }
    rows
}

/// Begins to load a tile of rows. Where rows are short, the processor does not see in time that others follow.
#[inline(always)]
pub(super) fn prefetch<S: Simd>(s: S, words: &[u32], row_words: usize, row: usize) {
    const SHORT: usize = 512;
    const LINE: usize = 16;
    if row_words <= SHORT
        && let Some(ahead) = words.get(row * row_words..(row + TILE) * row_words)
    {
        for line in ahead.chunks(LINE) {
            s.prefetch(line);
        }
    }
}

/// The next vector of words of each row; zeros where there is none.
#[inline(always)]
fn next_words<S: Simd>(s: S, rows: &mut [ChunksExact<'_, u32>; TILE]) -> [S::I; TILE] {
    let mut words = [s.splat_int(0); TILE];
    for r in 0..TILE {
        if let Some(chunk) = rows[r].next() {
            words[r] = s.load_words(chunk);
        }
    }
    words
}

/// A vector of words of each row, and zeros where it ends.
#[inline(always)]
pub(super) fn load_words<S: Simd, const R: usize>(s: S, rows: &[&[u32]; R], at: usize) -> [S::I; R] {
    let mut words = [s.splat_int(0); R];
    if at + S::LANES <= rows[0].len() {
        for r in 0..R {
            words[r] = s.load_words(&rows[r][at..at + S::LANES]);
        }
    } else {
        for r in 0..R {
            words[r] = s.load_words_padded(&rows[r][at..]);
        }
    }
    words
}
