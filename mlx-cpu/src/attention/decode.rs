use super::{
    Attention, Inputs,
    running::{Running, finish, state_len},
    vectors::{BLOCK, Block, ROWS, UNIT, accumulate, multiply},
};
use crate::{
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::ops::Range;

/// The most queries for which reading keys and values takes longer than computing.
const QUERIES: usize = 4;
/// Less than this many elements of keys are not worth a second thread, nor less than this many keys a task.
pub(super) const LEAST: usize = 1 << 14;
const LEAST_KEYS: usize = 256;

/// Whether there are few queries, of whole vectors.
pub(super) fn fits(attention: &Attention<'_>) -> bool {
    attention.queries <= QUERIES
        && attention.dim.is_multiple_of(UNIT)
        && attention.value_dim.is_multiple_of(UNIT)
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
        let &Attention { dim, value_dim, .. } = self.inputs.shape;
        let queries = self.scaled_queries(s);
        let rows = queries.len() * UNIT / dim;
        // Tiles of nearly equally many rows.
        let tile = rows.div_ceil(rows.div_ceil(ROWS));
        let mut scores = vec![0.0; rows * BLOCK];
        let mut keys = self.key_block(self.keys.start);
        for first in self.keys.clone().step_by(BLOCK) {
            let values = self.value_block(first);
            let queries = queries.chunks(tile * dim / UNIT);
            let mut ahead = Some(&values);
            for (queries, scores) in queries.zip(scores.chunks_mut(tile * BLOCK)) {
                multiply(s, queries, &keys, ahead.take(), scores);
            }
            self.weigh(s, first, &mut scores);
            keys = self.key_block(first + BLOCK);
            let sums = self.state.values.as_chunks_mut().0.chunks_mut(tile * value_dim / UNIT);
            let mut ahead = Some(&keys);
            for (sums, weights) in sums.zip(scores.chunks(tile * BLOCK)) {
                accumulate(s, weights, &values, ahead.take(), sums);
            }
        }
    }
}

impl<'a, T: Element> Part<'a, T> {
    /// The queries times the scale.
    #[inline(always)]
    fn scaled_queries<S: Simd>(&self, s: S) -> Vec<[f32; UNIT]> {
        let &Attention { queries, dim, q, scale, .. } = self.inputs.shape;
        let group = self.inputs.group();
        let mut scaled = vec![[0.0; UNIT]; group * queries * dim / UNIT];
        for (row, scaled) in scaled.as_flattened_mut().chunks_exact_mut(dim).enumerate() {
            let start = q.offset(self.batch, self.kv_head * group + row / queries, row % queries);
            let from = self.inputs.q[start..][..dim].chunks_exact(S::LANES);
            for (from, to) in from.zip(scaled.chunks_exact_mut(S::LANES)) {
                s.store(s.mul(T::load(s, from), s.splat(scale)), to);
            }
        }
        scaled
    }

    /// The keys from `first` on.
    #[inline(always)]
    fn key_block(&self, first: usize) -> Block<'a, T> {
        let Attention { k, dim, .. } = self.inputs.shape;
        let count = self.keys.end.saturating_sub(first).min(BLOCK);
        let start = k.offset(self.batch, self.kv_head, first);
        Block::new(self.inputs.k.get(start..).unwrap_or_default(), k.strides[2], *dim, count)
    }

    /// The values from `first` on.
    #[inline(always)]
    fn value_block(&self, first: usize) -> Block<'a, T> {
        let Attention { v, value_dim, .. } = self.inputs.shape;
        let count = self.keys.end.saturating_sub(first).min(BLOCK);
        let start = v.offset(self.batch, self.kv_head, first);
        Block::new(&self.inputs.v[start..], v.strides[2], *value_dim, count)
    }

    /// Masks the scores of the keys from `first` on, and turns them into the factors of values.
    #[inline(always)]
    fn weigh<S: Simd>(&mut self, s: S, first: usize, scores: &mut [f32]) {
        let &Attention { queries, keys, mask, .. } = self.inputs.shape;
        let count = BLOCK.min(self.keys.end - first);
        let whole = count.next_multiple_of(S::LANES);
        for (row, scores) in scores.chunks_exact_mut(BLOCK).enumerate() {
            let head = self.kv_head * self.inputs.group() + row / queries;
            let index = [self.batch, head, row % queries];
            mask.apply(s, index, queries, keys, first, &mut scores[..count]);
            scores[count..whole].fill(f32::NEG_INFINITY);
            self.state.see(s, row, &mut scores[..whole]);
        }
    }
}
