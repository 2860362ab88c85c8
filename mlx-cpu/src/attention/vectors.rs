use crate::simd::{Element, Simd};

/// Elements of keys and values come in units, which are whole vectors of all instruction sets.
pub(super) const UNIT: usize = 16;
/// Keys at a time: they and their values stay in the first-level cache while all rows use them.
pub(super) const BLOCK: usize = 64;
/// The most rows at a time.
pub(super) const ROWS: usize = 4;
/// Bytes that are loaded from memory together.
const LINE: usize = 64;

/// Keys or values of successive positions, as they lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Block<'a, T> {
    from: &'a [T],
    stride: usize,
    dim: usize,
    count: usize,
}

impl<'a, T: Element> Block<'a, T> {
    /// The first `count` vectors of `dim` elements, at most [`BLOCK`].
    pub(super) fn new(from: &'a [T], stride: usize, dim: usize, count: usize) -> Self {
        Block { from, stride, dim, count }
    }

    /// Vector number `i`, of `units` units if that is not 0.
    #[inline(always)]
    fn vector(&self, i: usize, units: usize) -> &'a [[T; UNIT]] {
        let dim = if units > 0 { units * UNIT } else { self.dim };
        self.from[i * self.stride..][..dim].as_chunks().0
    }

    /// Begins to load `N` vectors, if there are so many.
    #[inline(always)]
    fn prefetch<S: Simd, const N: usize>(&self, s: S, first: usize) {
        if first + N > self.count {
            return;
        }
        match self.dim / UNIT {
            4 => self.prefetch_units::<S, N, 4>(s, first),
            8 => self.prefetch_units::<S, N, 8>(s, first),
            _ => self.prefetch_units::<S, N, 0>(s, first),
        }
    }

    #[inline(always)]
    fn prefetch_units<S: Simd, const N: usize, const U: usize>(&self, s: S, first: usize) {
        for i in 0..N {
            let vector = self.vector(first + i, U);
            for unit in (0..vector.len()).step_by(LINE / size_of::<[T; UNIT]>()) {
                s.prefetch(&vector[unit]);
            }
        }
    }
}

/// Calls a function for so many units as a constant, or 0 where they are not one of the usual numbers.
macro_rules! with_units {
    ($units:expr, $function:ident::<$s:ident, $t:ident, $rows:literal, $at_once:literal>($($argument:expr),*)) => {
        match $units {
            4 => $function::<$s, $t, $rows, $at_once, 4>($($argument),*),
            8 => $function::<$s, $t, $rows, $at_once, 8>($($argument),*),
            _ => $function::<$s, $t, $rows, $at_once, 0>($($argument),*),
        }
    };
}

/// Writes the products of rows of queries and of `keys` to rows of [`BLOCK`] scores, and begins to load what is `ahead`.
#[inline(always)]
pub(super) fn multiply<S: Simd, T: Element>(
    s: S,
    queries: &[[f32; UNIT]],
    keys: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    scores: &mut [f32],
) {
    let units = keys.dim / UNIT;
    // As many sums at a time as there are registers for.
    match scores.len() / BLOCK {
        4 if S::LANES < UNIT => with_units!(units, dots::<S, T, 4, 2>(s, queries, keys, ahead, scores)),
        4 => with_units!(units, dots::<S, T, 4, 4>(s, queries, keys, ahead, scores)),
        3 => with_units!(units, dots::<S, T, 3, 4>(s, queries, keys, ahead, scores)),
        2 => with_units!(units, dots::<S, T, 2, 4>(s, queries, keys, ahead, scores)),
        _ => with_units!(units, dots::<S, T, 1, 4>(s, queries, keys, ahead, scores)),
    }
}

/// The products of `R` rows of `U` units with `C` keys at a time.
#[inline(always)]
fn dots<S: Simd, T: Element, const R: usize, const C: usize, const U: usize>(
    s: S,
    queries: &[[f32; UNIT]],
    keys: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    scores: &mut [f32],
) {
    let units = if U > 0 { U } else { queries.len() / R };
    let mut rows = [queries; R];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &queries[r * units..][..units];
    }
    for first in (0..keys.count).step_by(C) {
        if let Some(ahead) = ahead {
            ahead.prefetch::<S, C>(s, first);
        }
        // Where there are fewer, the last one is repeated, and its products are not used.
        let mut columns = [&[][..]; C];
        for (c, column) in columns.iter_mut().enumerate() {
            *column = keys.vector((first + c).min(keys.count - 1), U);
        }
        let mut sums = [[s.splat(0.0); C]; R];
        for p in 0..units {
            for at in (0..UNIT).step_by(S::LANES) {
                let mut q = [s.splat(0.0); R];
                for r in 0..R {
                    q[r] = s.load(&rows[r][p][at..]);
                }
                for c in 0..C {
                    let key = T::load(s, &columns[c][p][at..]);
                    for r in 0..R {
                        sums[r][c] = s.fma(q[r], key, sums[r][c]);
                    }
                }
            }
        }
        for (four, sums) in sums.as_flattened().as_chunks().0.iter().enumerate() {
            let sums = s.sums(*sums);
            for (part, sums) in sums.chunks_exact(C).enumerate() {
                scores[(4 / C * four + part) * BLOCK + first..][..C].copy_from_slice(sums);
            }
        }
    }
}

/// Adds `values` times rows of [`BLOCK`] weights to rows of sums, and begins to load what is `ahead`.
#[inline(always)]
pub(super) fn accumulate<S: Simd, T: Element>(
    s: S,
    weights: &[f32],
    values: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    sums: &mut [[f32; UNIT]],
) {
    let rows = weights.len() / BLOCK;
    if S::LANES == UNIT {
        return match rows {
            4 => add_units::<S, T, 4, 4>(s, weights, values, ahead, sums),
            3 => add_units::<S, T, 3, 4>(s, weights, values, ahead, sums),
            2 => add_units::<S, T, 2, 4>(s, weights, values, ahead, sums),
            _ => add_units::<S, T, 1, 8>(s, weights, values, ahead, sums),
        };
    }
    match rows {
        4 => add_units::<S, T, 4, 1>(s, weights, values, ahead, sums),
        3 => add_units::<S, T, 3, 2>(s, weights, values, ahead, sums),
        2 => add_units::<S, T, 2, 2>(s, weights, values, ahead, sums),
        _ => add_units::<S, T, 1, 4>(s, weights, values, ahead, sums),
    }
}

/// Adds for `R` rows, `D` units at a time.
#[inline(always)]
fn add_units<S: Simd, T: Element, const R: usize, const D: usize>(
    s: S,
    weights: &[f32],
    values: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    sums: &mut [[f32; UNIT]],
) {
    let units = sums.len() / R;
    let whole = units / D * D;
    let mut ahead = ahead;
    for first in (0..whole).step_by(D) {
        add::<S, T, R, D>(s, weights, values, ahead.take(), first, sums);
    }
    for first in whole..units {
        add::<S, T, R, 1>(s, weights, values, ahead.take(), first, sums);
    }
}

/// Adds `D` units, from number `first` on.
#[inline(always)]
fn add<S: Simd, T: Element, const R: usize, const D: usize>(
    s: S,
    weights: &[f32],
    values: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    first: usize,
    sums: &mut [[f32; UNIT]],
) {
    let units = sums.len() / R;
    let mut rows = [weights; R];
    // Four is the most vectors that a unit has.
    let mut totals = [[[s.splat(0.0); 4]; D]; R];
    for r in 0..R {
        rows[r] = &weights[r * BLOCK..][..BLOCK];
        for d in 0..D {
            for (total, sum) in
                totals[r][d].iter_mut().zip(sums[r * units + first + d].chunks_exact(S::LANES))
            {
                *total = s.load(sum);
            }
        }
    }
    let from = values.from.get(first * UNIT..).unwrap_or_default();
    for key in 0..values.count.min(BLOCK) {
        let value: &[[T; UNIT]] = from[key * values.stride..][..D * UNIT].as_chunks().0;
        if let Some(ahead) = ahead {
            ahead.prefetch::<S, 1>(s, key);
        }
        let mut factors = [s.splat(0.0); R];
        for r in 0..R {
            factors[r] = s.splat(rows[r][key]);
        }
        for d in 0..D {
            for (v, unit) in value[d].chunks_exact(S::LANES).enumerate() {
                let unit = T::load(s, unit);
                for r in 0..R {
                    totals[r][d][v] = s.fma(factors[r], unit, totals[r][d][v]);
                }
            }
        }
    }
    for r in 0..R {
        for d in 0..D {
            for (total, sum) in
                totals[r][d].iter().zip(sums[r * units + first + d].chunks_exact_mut(S::LANES))
            {
                s.store(*total, sum);
            }
        }
    }
}
