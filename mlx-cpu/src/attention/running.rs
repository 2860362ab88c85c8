use super::Attention;
use crate::simd::{Element, Kernel, Simd, dispatch, exp};
use std::ops::Range;

/// The state of rows of a softmax that goes over one block of keys after another (Milakov and Gimelshein, 2018):
/// the largest score so far, the sum of the powers of the scores less the largest, and the sum of the values times
/// these powers.
pub(super) struct Running<'a> {
    most: &'a mut [f32],
    total: &'a mut [f32],
    /// Rows of `width`.
    pub(super) values: &'a mut [f32],
    width: usize,
}

/// How many numbers the state of `rows` with values of `width` elements has.
pub(super) fn state_len(rows: usize, width: usize) -> usize {
    rows * (width + 2)
}

impl<'a> Running<'a> {
    /// The state before any key, in `memory` of [`state_len`] numbers.
    pub(super) fn new(memory: &'a mut [f32], width: usize) -> Self {
        let rows = memory.len() / (width + 2);
        let (most, rest) = memory.split_at_mut(rows);
        let (total, values) = rest.split_at_mut(rows);
        most.fill(f32::NEG_INFINITY);
        total.fill(0.0);
        values.fill(0.0);
        Running { most, total, values, width }
    }

    /// Starts with the sinks of heads, if there are some; each head has `queries` successive rows.
    pub(super) fn see_sinks(&mut self, attention: &Attention<'_>, heads: Range<usize>, queries: usize) {
        if let Some(sinks) = attention.sinks {
            for (head, most) in heads.zip(self.most.chunks_exact_mut(queries)) {
                most.fill(sinks.get(head));
            }
            self.total.fill(1.0);
        }
    }

    /// Turns the scores of a row for more keys into the factors of their values, which the caller is to add. There must
    /// be whole vectors of scores.
    #[inline(always)]
    pub(super) fn see<S: Simd>(&mut self, s: S, row: usize, scores: &mut [f32]) {
        let before = self.most[row];
        let mut most = s.splat(before);
        for x in scores.chunks_exact(S::LANES) {
            most = s.max(s.load(x), most);
        }
        let most = s.largest(most);
        let shift = finite_shift(most);
        let mut sum = s.splat(0.0);
        for x in scores.chunks_exact_mut(S::LANES) {
            let power = exp(s, s.sub(s.load(x), s.splat(shift)));
            sum = s.add(sum, power);
            s.store(power, x);
        }
        let sum = s.sum(sum);
        if before == shift {
            self.total[row] += sum;
            return;
        }
        self.most[row] = most;
        let factor = (before - shift).exp();
        self.total[row] = self.total[row] * factor + sum;
        for x in &mut self.values[row * self.width..][..self.width] {
            *x *= factor;
        }
    }
}

/// What to subtract from scores of which this is the largest: where all are negative infinity, their powers are to be 0
/// for now, as there may come others.
fn finite_shift(most: f32) -> f32 {
    if most == f32::NEG_INFINITY { 0.0 } else { most }
}

/// Writes the softmax of rows, whose keys were seen in several parts, to `out`, which has rows of `value_dim` elements.
/// `states` has [`state_len`] numbers for each part, and is of no use afterwards.
pub(super) fn finish<T: Element>(states: &mut [f32], width: usize, value_dim: usize, out: &mut [T]) {
    let rows = out.len() / value_dim;
    let len = state_len(rows, width);
    for row in 0..rows {
        let most = states.chunks_exact(len).map(|state| state[row]).fold(f32::NEG_INFINITY, f32::max);
        let shift = finite_shift(most);
        let mut total = 0.0;
        for state in states.chunks_exact_mut(len) {
            state[row] = (state[row] - shift).exp();
            total += state[row] * state[rows + row];
        }
        states.chunks_exact_mut(len).for_each(|state| state[row] /= total);
    }
    dispatch(Combine { states, len, width, value_dim, out });
}

/// Adds the values of all parts times the numbers that stand in place of their largest scores.
struct Combine<'a, T> {
    states: &'a [f32],
    len: usize,
    width: usize,
    value_dim: usize,
    out: &'a mut [T],
}

impl<T: Element> Kernel for Combine<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let rows = self.out.len() / self.value_dim;
        for (row, out) in self.out.chunks_exact_mut(self.value_dim).enumerate() {
            for (i, out) in out.chunks_mut(S::LANES).enumerate() {
                let at = 2 * rows + row * self.width + i * S::LANES;
                let mut sum = s.splat(0.0);
                for state in self.states.chunks_exact(self.len) {
                    sum = s.fma(s.splat(state[row]), s.load(&state[at..]), sum);
                }
                if out.len() == S::LANES { T::store(s, sum, out) } else { T::store_part(s, sum, out) }
            }
        }
    }
}
