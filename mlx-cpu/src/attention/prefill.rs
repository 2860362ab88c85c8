use super::{
    Attention, Inputs,
    running::{Running, finish, state_len},
};
use crate::{
    gemm::{Columns, Matrices, Panels, Scratch, panel_width},
    heads::Heads,
    pool,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::{cmp::Reverse, ops::Range};

/// Queries and keys at a time. What belongs to them, all in `f32`, fits the second-level cache.
const QUERIES: usize = 96;
const KEYS: usize = 128;

/// Successive queries of a head.
struct Block<'a, T> {
    batch: usize,
    head: usize,
    queries: Range<usize>,
    out: &'a mut [T],
}

/// Computes attention; `out` and the shape are not empty.
pub(super) fn attend<T: Element>(inputs: &Inputs<'_, T>, out: &mut [T]) {
    let &Attention { heads, queries, value_dim, .. } = inputs.shape;
    let mut blocks = Vec::new();
    for (head, out) in out.chunks_exact_mut(queries * value_dim).enumerate() {
        for (i, out) in out.chunks_mut(QUERIES * value_dim).enumerate() {
            let first = i * QUERIES;
            let queries = first..first + out.len() / value_dim;
            blocks.push(Block { batch: head / heads, head: head % heads, queries, out });
        }
    }
    // The longest first, where there is a causal mask.
    blocks.sort_by_key(|block| Reverse(block.queries.start));
    pool::for_each_chunk(&mut blocks, 1, |_, blocks| {
        blocks.iter_mut().for_each(|block| block.attend(inputs))
    });
}

impl<T: Element> Block<'_, T> {
    fn attend(&mut self, inputs: &Inputs<'_, T>) {
        let &Attention { queries, keys, dim, value_dim, k, v, mask, .. } = inputs.shape;
        let kv_head = self.head / inputs.group();
        let columns = panel_width();
        let width = value_dim.next_multiple_of(columns);
        let rows = self.queries.len();
        let scaled = self.scaled_queries(inputs);
        let mut states = Scratch::new(state_len(rows, width));
        let mut state = Running::new(&mut states, width);
        state.see_sinks(inputs.shape, self.head..self.head + 1, rows);
        let mut scores = Scratch::new(rows * KEYS);
        let mut packed = Scratch::new(KEYS * width.max(dim));
        let visible = mask.visible(self.queries.clone(), queries, keys);
        for first in (0..visible).step_by(KEYS) {
            let count = KEYS.min(visible - first);
            let whole = count.next_multiple_of(columns);

            let panels = &mut packed[..whole * dim];
            let start = k.offset(self.batch, kv_head, first);
            pack_panels(matrix(&k, &[start]).transposed(), dim, count, panels);
            scores.fill(0.0);
            let (a, out) = (&scaled, &mut scores);
            dispatch(Panels { rows, depth: dim, a, a_stride: dim, panels, out, out_stride: KEYS });
            dispatch(Weigh { inputs, block: self, first, count, scores: &mut scores, state: &mut state });

            let panels = &mut packed[..count * width];
            let start = v.offset(self.batch, kv_head, first);
            pack_panels(matrix(&v, &[start]), count, value_dim, panels);
            let (a, out) = (&scores, &mut *state.values);
            dispatch(Panels { rows, depth: count, a, a_stride: KEYS, panels, out, out_stride: width });
        }
        finish(&mut states, width, value_dim, self.out);
    }

    fn scaled_queries(&self, inputs: &Inputs<'_, T>) -> Scratch {
        let &Attention { dim, q, scale, .. } = inputs.shape;
        let mut scaled = Scratch::new(self.queries.len() * dim);
        let start = q.offset(self.batch, self.head, self.queries.start);
        dispatch(Scale { from: &inputs.q[start..], stride: q.strides[2], dim, scale, to: &mut scaled });
        scaled
    }
}

/// The positions of a head as rows of a matrix.
fn matrix<'a>(heads: &Heads<'a>, start: &'a [usize; 1]) -> Matrices<'a> {
    Matrices { data: heads.values, offsets: start, row_stride: heads.strides[2].cast_signed(), col_stride: 1 }
}

/// Packs a matrix into panels as [`Panels`] reads them.
fn pack_panels(matrix: Matrices<'_>, rows: usize, columns: usize, panels: &mut [f32]) {
    let width = panel_width();
    for (panel, first) in panels.chunks_exact_mut(rows * width).zip((0..columns).step_by(width)) {
        matrix.pack(0, 0..rows, first..columns.min(first + width), width, panel);
    }
}

/// Writes vectors times a number.
struct Scale<'a, T> {
    from: &'a [T],
    stride: usize,
    dim: usize,
    scale: f32,
    to: &'a mut [f32],
}

impl<T: Element> Kernel for Scale<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let scale = s.splat(self.scale);
        for (i, to) in self.to.chunks_exact_mut(self.dim).enumerate() {
            let mut from = self.from[i * self.stride..][..self.dim].chunks_exact(S::LANES);
            let mut to = to.chunks_exact_mut(S::LANES);
            for (x, to) in from.by_ref().zip(to.by_ref()) {
                s.store(s.mul(T::load(s, x), scale), to);
            }
            f32::store_part(s, s.mul(T::load_part(s, from.remainder()), scale), to.into_remainder());
        }
    }
}

/// Masks the scores of a block of queries for `count` keys and turns them into the factors of values.
struct Weigh<'a, 'b, 'c, T> {
    inputs: &'a Inputs<'a, T>,
    block: &'a Block<'b, T>,
    first: usize,
    count: usize,
    scores: &'a mut [f32],
    state: &'a mut Running<'c>,
}

impl<T: Element> Kernel for Weigh<'_, '_, '_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let &Attention { queries, keys, mask, .. } = self.inputs.shape;
        let Block { batch, head, .. } = *self.block;
        let whole = self.count.next_multiple_of(S::LANES);
        for (row, scores) in self.scores.chunks_exact_mut(KEYS).enumerate() {
            let index = [batch, head, self.block.queries.start + row];
            mask.apply(s, index, queries, keys, self.first, &mut scores[..self.count]);
            scores[self.count..whole].fill(f32::NEG_INFINITY);
            self.state.see(s, row, &mut scores[..whole]);
        }
    }
}
