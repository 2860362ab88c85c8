use super::{
    Attention, Inputs,
    running::{Running, finish, state_len},
};
use crate::{
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::ops::Range;

/// The most queries for which reading keys and values takes longer than computing.
const QUERIES: usize = 4;
/// Keys at a time: they and their values stay in the first-level cache while all rows use them.
const BLOCK: usize = 64;
const AHEAD: usize = 16;
/// The most rows at a time.
const ROWS: usize = 3;
/// Less than this many elements of keys are not worth a second thread, nor less than this many keys a task.
const LEAST: usize = 1 << 14;
const LEAST_KEYS: usize = 256;

/// Whether there are few queries, of whole vectors.
pub(super) fn fits(attention: &Attention<'_>) -> bool {
    attention.queries <= QUERIES && attention.dim.is_multiple_of(16) && attention.value_dim.is_multiple_of(16)
}

/// Computes attention; `out` and the shape are not empty.
pub(super) fn attend<T: Element>(inputs: &Inputs<'_, T>, out: &mut [T]) {
    let &Attention { batch, kv_heads, queries, keys, dim, value_dim, .. } = inputs.shape;
    let rows = inputs.group() * queries;
    let groups = batch * kv_heads;
    let threads = if groups * keys * dim < LEAST { 1 } else { pool::threads() };
    // Many equal tasks for each thread, of which there may be another number than groups.
    let parts = if threads == 1 { 1 } else { (8 * threads).div_ceil(groups).min(keys / LEAST_KEYS).max(1) };
    let len = state_len(rows, value_dim);
    let mut states = vec![0.0; groups * parts * len];
    let attend_part = |task: usize, state: &mut [f32]| {
        let (group, part) = (task / parts, task % parts);
        let keys = keys * part / parts..keys * (part + 1) / parts;
        let mut state = Running::new(state, value_dim);
        let (batch, kv_head) = (group / kv_heads, group % kv_heads);
        if part == 0 {
            let heads = kv_head * inputs.group()..(kv_head + 1) * inputs.group();
            state.see_sinks(inputs.shape, heads, queries);
        }
        dispatch(Part { inputs, batch, kv_head, keys, state });
    };
    if threads == 1 {
        states.chunks_exact_mut(len).enumerate().for_each(|(task, state)| attend_part(task, state));
    } else {
        pool::for_each_chunk(&mut states, len, attend_part);
    }
    for (states, out) in states.chunks_exact_mut(parts * len).zip(out.chunks_exact_mut(rows * value_dim)) {
        finish(states, value_dim, value_dim, out);
    }
}

/// All queries of a group of heads, and some of its keys.
struct Part<'a, T> {
    inputs: &'a Inputs<'a, T>,
    batch: usize,
    kv_head: usize,
    keys: Range<usize>,
    state: Running<'a>,
}

impl<T: Element> Kernel for Part<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        let &Attention { queries, keys, dim, value_dim, k, v, mask, .. } = self.inputs.shape;
        let rows = self.inputs.group() * queries;
        let q = self.queries(s);
        let mut scores = vec![0.0; rows * BLOCK];
        // Tiles of nearly equally many rows.
        let tile = rows.div_ceil(rows.div_ceil(ROWS));
        for first in self.keys.clone().step_by(BLOCK) {
            let count = BLOCK.min(self.keys.end - first);
            let keys_from = &self.inputs.k[k.offset(self.batch, self.kv_head, first)..];
            for (q, scores) in q.chunks(tile * dim).zip(scores.chunks_mut(tile * BLOCK)) {
                let keys = (keys_from, k.strides[2], count);
                match q.len() / dim {
                    3 => multiply_keys::<S, T, 3>(s, q, keys, scores),
                    2 => multiply_keys::<S, T, 2>(s, q, keys, scores),
                    _ => multiply_keys::<S, T, 1>(s, q, keys, scores),
                }
            }
            for (row, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
                let head = self.kv_head * self.inputs.group() + row / queries;
                let index = [self.batch, head, row % queries];
                mask.apply(s, index, queries, keys, first, &mut scores[..count]);
                let whole = count.next_multiple_of(S::LANES);
                scores[count..whole].fill(f32::NEG_INFINITY);
                self.state.see(s, row, &mut scores[..whole]);
            }
            let values_from = &self.inputs.v[v.offset(self.batch, self.kv_head, first)..];
            let sums = self.state.values.chunks_mut(tile * value_dim);
            for (sums, weights) in sums.zip(scores.chunks(tile * BLOCK)) {
                let values = (values_from, v.strides[2], count);
                match sums.len() / value_dim {
                    3 => add_values::<S, T, 3, 4>(s, weights, values, sums),
                    2 => add_values::<S, T, 2, 4>(s, weights, values, sums),
                    _ => add_values::<S, T, 1, 8>(s, weights, values, sums),
                }
            }
        }
    }
}

impl<T: Element> Part<'_, T> {
    /// The queries times the scale. Of each tile of rows the first vectors stand together, then the second ones, ….
    #[inline(always)]
    fn queries<S: Simd>(&self, s: S) -> Vec<f32> {
        let &Attention { queries, dim, q, scale, .. } = self.inputs.shape;
        let rows = self.inputs.group() * queries;
        let tile = rows.div_ceil(rows.div_ceil(ROWS));
        let mut scaled = vec![0.0; rows * dim];
        for (tile_index, scaled) in scaled.chunks_mut(tile * dim).enumerate() {
            let tile_rows = scaled.len() / dim;
            for r in 0..tile_rows {
                let row = tile_index * tile + r;
                let head = self.kv_head * self.inputs.group() + row / queries;
                let from = &self.inputs.q[q.offset(self.batch, head, row % queries)..][..dim];
                let to = scaled.chunks_exact_mut(tile_rows * S::LANES);
                for (x, to) in from.chunks_exact(S::LANES).zip(to) {
                    s.store(s.mul(T::load(s, x), s.splat(scale)), &mut to[r * S::LANES..]);
                }
            }
        }
        scaled
    }
}

/// Writes the products of `R` queries, which stand as [`Part::queries`] says, with keys.
#[inline(always)]
fn multiply_keys<S: Simd, T: Element, const R: usize>(
    s: S,
    q: &[f32],
    (keys, stride, count): (&[T], usize, usize),
    scores: &mut [f32],
) {
    let dim = q.len() / R;
    for first in (0..count).step_by(4) {
        // Four keys at a time, perhaps the last one more than once.
        let mut rows = [keys; 4];
        for (i, row) in rows.iter_mut().enumerate() {
            *row = &keys[(first + i).min(count - 1) * stride..][..dim];
        }
        for i in 0..4 {
            prefetch_row(s, keys, stride, first + i + AHEAD, dim);
        }
        let [a, b, c, d] = rows.map(|row| row.chunks_exact(S::LANES));
        let mut sums = [[s.splat(0.0); 4]; R];
        for ((((q, a), b), c), d) in q.chunks_exact(R * S::LANES).zip(a).zip(b).zip(c).zip(d) {
            let mut queries = [s.splat(0.0); R];
            for (to, q) in queries.iter_mut().zip(q.chunks_exact(S::LANES)) {
                *to = s.load(q);
            }
            for (i, key) in [a, b, c, d].into_iter().enumerate() {
                let key = T::load(s, key);
                for (sums, q) in sums.iter_mut().zip(queries) {
                    sums[i] = s.fma(q, key, sums[i]);
                }
            }
        }
        for (sums, scores) in sums.iter().zip(scores.chunks_exact_mut(BLOCK)) {
            scores[first..][..4].copy_from_slice(&s.sums(*sums));
        }
    }
}

/// Adds values times the weights of `R` rows to their sums, `D` vectors of each at a time.
#[inline(always)]
fn add_values<S: Simd, T: Element, const R: usize, const D: usize>(
    s: S,
    weights: &[f32],
    values: (&[T], usize, usize),
    sums: &mut [f32],
) {
    let dim = sums.len() / R;
    let wide = dim / (D * S::LANES) * (D * S::LANES);
    for at in (0..wide).step_by(D * S::LANES) {
        add_vectors::<S, T, R, D>(s, weights, values, at, sums);
    }
    for at in (wide..dim).step_by(S::LANES) {
        add_vectors::<S, T, R, 1>(s, weights, values, at, sums);
    }
}

/// Adds `D` vectors of each value, from element `at` on.
#[inline(always)]
fn add_vectors<S: Simd, T: Element, const R: usize, const D: usize>(
    s: S,
    weights: &[f32],
    (values, stride, count): (&[T], usize, usize),
    at: usize,
    sums: &mut [f32],
) {
    let dim = sums.len() / R;
    let mut rows = [weights; R];
    let mut totals = [[s.splat(0.0); D]; R];
    for r in 0..R {
        rows[r] = &weights[r * BLOCK..][..count];
        for d in 0..D {
            totals[r][d] = s.load(&sums[r * dim + at + d * S::LANES..]);
        }
    }
    for key in 0..count {
        let value = &values[key * stride + at..][..D * S::LANES];
        if let Some(x) = values.get((key + AHEAD) * stride + at..) { s.prefetch(x) }
        for d in 0..D {
            let value = T::load(s, &value[d * S::LANES..]);
            for r in 0..R {
                totals[r][d] = s.fma(s.splat(rows[r][key]), value, totals[r][d]);
            }
        }
    }
    for r in 0..R {
        for d in 0..D {
            s.store(totals[r][d], &mut sums[r * dim + at + d * S::LANES..]);
        }
    }
}

/// Begins to load
#[inline(always)]
fn prefetch_row<S: Simd, T: Element>(s: S, rows: &[T], stride: usize, row: usize, dim: usize) {
    let Some(x) = rows.get(row * stride..row * stride + dim) else { return };
    for line in x.chunks(64 / size_of::<T>()) {
        s.prefetch(line);
    }
}
