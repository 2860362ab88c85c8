//! Cuts the output into tiles for the threads.

use super::{
    Columns, Matrices, blocked,
    register::panel_width,
    scratch::Scratch,
    vector::{self, Contiguous},
};
use crate::{
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::ops::Range;

/// How the sums of a tile are computed, and from which right operands.
#[derive(Clone, Copy)]
pub(super) enum Method<'a> {
    /// By packed panels.
    Blocked(&'a dyn Columns),
    /// Straight from where they lie.
    Vector(Matrices<'a>, Contiguous),
}

/// What a tile may be.
struct Limits {
    rows: usize,
    columns: usize,
    /// Fewer multiplications are not worth a second thread, which takes some microseconds to begin.
    least_work: usize,
}

impl Method<'_> {
    fn limits(&self) -> Limits {
        match self {
            // A packed block of so many columns (256 KB) stays in the second-level cache while the rows go by.
            Method::Blocked(_) => Limits { rows: 1008, columns: 256, least_work: 1 << 18 },
            // The sums of a row (8 KB) stay in the first-level cache.
            Method::Vector(..) => Limits { rows: vector::ROWS, columns: 2048, least_work: 1 << 16 },
        }
    }
}

/// A batch of products `alpha * a b + beta * c`, as [`super::Product`].
pub(super) struct Task<'a> {
    pub(super) m: usize,
    pub(super) n: usize,
    pub(super) k: usize,
    pub(super) a: Matrices<'a>,
    pub(super) method: Method<'a>,
    pub(super) alpha: f32,
    pub(super) addend: Option<(f32, Matrices<'a>)>,
}

/// Where a tile lies in the output.
pub(super) struct Place {
    pub(super) matrix: usize,
    pub(super) rows: Range<usize>,
    pub(super) columns: Range<usize>,
}

/// A part of the output: as many parts of rows as `place` says.
struct Tile<'a, T> {
    place: Place,
    rows: Vec<&'a mut [T]>,
}

impl Task<'_> {
    /// Computes all tiles.
    pub(super) fn run<T: Element>(&self, out: &mut [T]) {
        assert_eq!(out.len(), self.a.offsets.len() * self.m * self.n, "the length of the output");
        if !out.is_empty() {
            let mut tiles = self.tiles(out);
            pool::for_each_chunk(&mut tiles, 1, |_, tiles| {
                tiles.iter_mut().for_each(|tile| self.compute(tile))
            });
        }
    }

    fn compute<T: Element>(&self, tile: &mut Tile<'_, T>) {
        let place = &tile.place;
        let stride = place.columns.len().next_multiple_of(panel_width());
        let mut sums = Scratch::zeros(place.rows.len() * stride);
        match self.method {
            Method::Blocked(b) => blocked::accumulate(&self.a, b, self.k, place, &mut sums, stride),
            Method::Vector(b, contiguous) => {
                vector::accumulate(&self.a, (&b, contiguous), self.k, place, &mut sums, stride);
            }
        }
        if let Some((beta, c)) = self.addend {
            let mut addend = Scratch::new(sums.len());
            c.copy(place.matrix, place.rows.clone(), place.columns.clone(), &mut addend, stride);
            dispatch(Combine { alpha: self.alpha, sums: &mut sums, beta, addend: &addend });
        } else if self.alpha != 1.0 {
            sums.iter_mut().for_each(|x| *x *= self.alpha);
        }
        dispatch(Round { sums: &sums, stride, rows: &mut tile.rows });
    }

    fn tiles<'a, T>(&self, out: &'a mut [T]) -> Vec<Tile<'a, T>> {
        let (rows, columns) = self.shape();
        let mut tiles = Vec::new();
        for (matrix, out) in out.chunks_mut(self.m * self.n).enumerate() {
            for (first, out) in (0..self.m).step_by(rows).zip(out.chunks_mut(rows * self.n)) {
                let begin = tiles.len();
                tiles.extend((0..self.n).step_by(columns).map(|column| {
                    let rows = first..self.m.min(first + rows);
                    let columns = column..self.n.min(column + columns);
                    Tile { rows: Vec::with_capacity(rows.len()), place: Place { matrix, rows, columns } }
                }));
                for row in out.chunks_mut(self.n) {
                    for (tile, part) in tiles[begin..].iter_mut().zip(row.chunks_mut(columns)) {
                        tile.rows.push(part);
                    }
                }
            }
        }
        tiles
    }

    /// Rows and columns of a tile.
    fn shape(&self) -> (usize, usize) {
        let Limits { rows, columns, least_work } = self.method.limits();
        let batch = self.a.offsets.len();
        let work = batch.saturating_mul(self.m * self.n).saturating_mul(self.k);
        let threads = pool::threads().min(work / least_work).max(1);
        // As many tiles for each thread, unless the batch is large enough to even that out.
        let parts = if batch >= 4 * threads { 1 } else { threads / greatest_common_divisor(threads, batch) };
        // The left operand is packed again for each column of tiles, and the right one for each row of them.
        let cost = |(rows, columns): &(usize, usize)| 1.0 / *rows as f32 + 1.0 / *columns as f32;
        (1..=parts)
            .filter(|down| parts.is_multiple_of(*down))
            .map(|down| {
                let across = parts / down;
                (part(self.m, down, rows, 6), part(self.n, across, columns, panel_width()))
            })
            .min_by(|a, b| cost(a).total_cmp(&cost(b)))
            .unwrap_or((rows, columns))
    }
}

/// The size of equal parts of `whole`, as many as a multiple of `parts`, that are at most `most` and multiples of `unit`.
fn part(whole: usize, parts: usize, most: usize, unit: usize) -> usize {
    let parts = parts * whole.div_ceil(parts * most);
    whole.div_ceil(parts).next_multiple_of(unit)
}

fn greatest_common_divisor(a: usize, b: usize) -> usize {
    if b == 0 { a } else { greatest_common_divisor(b, a % b) }
}

/// `sums = alpha * sums + beta * addend`.
struct Combine<'a> {
    alpha: f32,
    sums: &'a mut [f32],
    beta: f32,
    addend: &'a [f32],
}

impl Kernel for Combine<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let (alpha, beta) = (s.splat(self.alpha), s.splat(self.beta));
        for (x, y) in self.sums.chunks_exact_mut(S::LANES).zip(self.addend.chunks_exact(S::LANES)) {
            s.store(s.fma(alpha, s.load(x), s.mul(beta, s.load(y))), x);
        }
    }
}

/// Writes `sums` to the rows of a tile.
struct Round<'a, 'b, T> {
    sums: &'a [f32],
    stride: usize,
    rows: &'a mut [&'b mut [T]],
}

impl<T: Element> Kernel for Round<'_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        for (row, sums) in self.rows.iter_mut().zip(self.sums.chunks_exact(self.stride)) {
            let mut parts = row.chunks_exact_mut(S::LANES);
            let mut sums = sums.chunks_exact(S::LANES);
            for (part, sums) in parts.by_ref().zip(sums.by_ref()) {
                T::store(s, s.load(sums), part);
            }
            if let (rest @ [_, ..], Some(sums)) = (parts.into_remainder(), sums.next()) {
                T::store_part(s, s.load(sums), rest);
            }
        }
    }
}
