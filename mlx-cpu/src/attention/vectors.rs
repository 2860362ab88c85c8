use crate::simd::{Element, Simd};

/// Elements of keys and values come in units, which are whole vectors of all instruction sets.
pub(super) const UNIT: usize = 16;
/// Keys at a time: they and their values stay in the first-level cache while all rows use them.
pub(super) const BLOCK: usize = 64;
/// The most rows at a time.
pub(super) const ROWS: usize = 4;

/// Keys or values of successive positions, as they lie in memory.
#[derive(Clone, Copy)]
pub(super) struct Block<'a, T> {
    vectors: [&'a [[T; UNIT]]; BLOCK],
    count: usize,
}

impl<'a, T: Element> Block<'a, T> {
    /// The first `count` vectors of `dim` elements, at most [`BLOCK`].
    pub(super) fn new(from: &'a [T], stride: usize, dim: usize, count: usize) -> Self {
        let mut vectors = [Default::default(); BLOCK];
        for (i, vector) in vectors[..count].iter_mut().enumerate() {
            *vector = from[i * stride..][..dim].as_chunks().0;
        }
        Block { vectors, count }
    }

    /// Those vectors.
    #[inline(always)]
    fn vectors(&self) -> &[&'a [[T; UNIT]]] {
        &self.vectors[..self.count]
    }

    /// Begins to load some of the vectors, if there are so many.
    #[inline(always)]
    fn prefetch<S: Simd>(&self, s: S, first: usize, count: usize) {
        for vector in self.vectors.iter().skip(first).take(count) {
            vector.iter().for_each(|unit| s.prefetch(unit));
        }
    }
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
    match scores.len() / BLOCK {
        4 => dots::<S, T, 4, 2>(s, queries, keys, ahead, scores),
        3 => dots::<S, T, 3, 4>(s, queries, keys, ahead, scores),
        2 => dots::<S, T, 2, 4>(s, queries, keys, ahead, scores),
        _ => dots::<S, T, 1, 4>(s, queries, keys, ahead, scores),
    }
}

/// The products of `R` rows with `C` keys at a time.
#[inline(always)]
fn dots<S: Simd, T: Element, const R: usize, const C: usize>(
    s: S,
    queries: &[[f32; UNIT]],
    keys: &Block<'_, T>,
    ahead: Option<&Block<'_, T>>,
    scores: &mut [f32],
) {
    let units = queries.len() / R;
    let mut rows = [queries; R];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &queries[r * units..][..units];
    }
    for (i, keys) in keys.vectors().chunks(C).enumerate() {
        if let Some(ahead) = ahead {
            ahead.prefetch(s, i * C, C);
        }
        // Where there are fewer, the last one is repeated, and its products are not used.
        let mut columns = [keys[0]; C];
        for (c, column) in columns.iter_mut().enumerate() {
            *column = &keys[c.min(keys.len() - 1)][..units];
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
            for (n, sum) in s.sums(*sums).into_iter().enumerate() {
                let (r, c) = ((4 * four + n) / C, (4 * four + n) % C);
                scores[r * BLOCK + i * C + c] = sum;
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
    match weights.len() / BLOCK {
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
    let values = values.vectors();
    let mut rows = [weights; R];
    // Four is the most vectors that a unit has.
    let mut totals = [[[s.splat(0.0); 4]; D]; R];
    for r in 0..R {
        rows[r] = &weights[r * BLOCK..][..values.len()];
        for d in 0..D {
            for (total, sum) in
                totals[r][d].iter_mut().zip(sums[r * units + first + d].chunks_exact(S::LANES))
            {
                *total = s.load(sum);
            }
        }
    }
    for key in 0..values.len() {
        let value = &values[key][first..][..D];
        if let Some(ahead) = ahead {
            ahead.prefetch(s, key, 1);
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
