use crate::{
    floats::{Floats, with_floats},
    simd::{Element, Simd},
};
use std::ops::Range;

/// Which keys a query sees. Strides are those of [batch, heads, queries, keys], 0 along axes that repeat.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// All keys.
    None,
    /// The last query sees all keys, and each one before it one key less.
    Causal,
    /// Keys where there is another byte than 0.
    Bool {
        /// The bytes, the first one first.
        keep: &'a [u8],
        /// How many bytes lie between neighbors.
        strides: [usize; 4],
    },
    /// All keys, with these numbers added to their scores: negative infinity hides a key.
    Additive {
        /// The numbers, the first one first.
        values: Floats<'a>,
        /// How many numbers lie between neighbors.
        strides: [usize; 4],
    },
}

/// The score of a hidden key: less than others, and yet finite, so that a query that sees no key averages all.
const HIDDEN: f32 = f32::MIN;

impl Mask<'_> {
    /// How many keys the first of `queries` to last one of `rows` see at most.
    pub(super) fn visible(&self, rows: Range<usize>, queries: usize, keys: usize) -> usize {
        match self {
            // Queries that see no key average all.
            Mask::Causal if rows.start + keys >= queries => rows.end + keys - queries,
            _ => keys,
        }
    }

    /// Masks the scores of a range of keys for one query: number `index[2]` of `queries`, of batch `index[0]` and head
    /// `index[1]`. Of `keys` there are as many as scores, which are part of `all_keys`.
    #[inline(always)]
    pub(super) fn apply<S: Simd>(
        &self,
        s: S,
        index: [usize; 3],
        queries: usize,
        all_keys: usize,
        first_key: usize,
        scores: &mut [f32],
    ) {
        let offset = |strides: &[usize; 4]| {
            let [batch, head, query, key] = strides;
            index[0] * batch + index[1] * head + index[2] * query + first_key * key
        };
        match self {
            Mask::None => {}
            Mask::Causal => {
                let visible = (index[2] + 1 + all_keys).saturating_sub(queries + first_key);
                let visible = visible.min(scores.len());
                scores[visible..].fill(HIDDEN);
            }
            Mask::Bool { keep, strides } => hide(&keep[offset(strides)..], strides[3], scores),
            Mask::Additive { values, strides } => {
                with_floats!(values, values => add(s, &values[offset(strides)..], strides[3], scores));
            }
        }
    }
}

#[inline(always)]
fn hide(keep: &[u8], stride: usize, scores: &mut [f32]) {
    if stride == 1 {
        for (x, &keep) in scores.iter_mut().zip(keep) {
            *x = if keep == 0 { HIDDEN } else { *x };
        }
    } else {
        for (i, x) in scores.iter_mut().enumerate() {
            *x = if keep[i * stride] == 0 { HIDDEN } else { *x };
        }
    }
}

#[inline(always)]
fn add<S: Simd, T: Element>(s: S, values: &[T], stride: usize, scores: &mut [f32]) {
    let dense = if stride == 1 { scores.len() / S::LANES * S::LANES } else { 0 };
    let (vectors, rest) = scores.split_at_mut(dense);
    for (x, y) in vectors.chunks_exact_mut(S::LANES).zip(values.chunks_exact(S::LANES)) {
        s.store(s.add(s.load(x), T::load(s, y)), x);
    }
    for (i, x) in rest.iter_mut().enumerate() {
        *x += values[(dense + i) * stride].widen();
    }
}
