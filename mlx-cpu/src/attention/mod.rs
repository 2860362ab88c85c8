//! Attention: `softmax(scale * q kᵀ + mask) v` (Vaswani et al., 2017), for groups of query heads that share a head of
//! keys and values (Ainslie et al., 2023).
//!
//! Scores exist for a block of keys at a time only: the softmax is computed online, as in FlashAttention (Dao et al.,
//! 2022). All of it is in single precision.
//!
//! | | |
//! |---|---|
//! | `mask` | which keys a query sees |
//! | `running` | softmax over one block of keys after another |
//! | `decode` | few queries: reads keys and values once, as they are |
//! | `vectors` | products of a few rows with keys and values as they lie in memory |
//! | `prefill` | many queries: matrix products of blocks |

mod decode;
mod mask;
mod prefill;
mod running;
mod vectors;

pub use mask::Mask;

use crate::{
    floats::{Floats, FloatsMut, with_floats},
    heads::Heads,
    pool,
    simd::Element,
};

/// Queries, keys and values, and how they attend.
#[derive(Clone, Copy, Debug)]
pub struct Attention<'a> {
    /// Independent sequences.
    pub batch: usize,
    /// Heads of queries; a multiple of `kv_heads`.
    pub heads: usize,
    /// Heads of keys and values.
    pub kv_heads: usize,
    /// Positions of queries.
    pub queries: usize,
    /// Positions of keys and values.
    pub keys: usize,
    /// Elements of a query and of a key.
    pub dim: usize,
    /// Elements of a value.
    pub value_dim: usize,
    /// [batch, heads, queries, dim].
    pub q: Heads<'a>,
    /// [batch, kv_heads, keys, dim].
    pub k: Heads<'a>,
    /// [batch, kv_heads, keys, value_dim].
    pub v: Heads<'a>,
    /// The factor of scores, usually `1 / sqrt(dim)`.
    pub scale: f32,
    /// What each query sees.
    pub mask: Mask<'a>,
    /// One more score for each head, of a key whose value is 0 (Xiao et al., 2023).
    pub sinks: Option<Floats<'a>>,
}

/// Computes attention into a dense array [batch, heads, queries, value_dim].
///
/// Without any key the result is 0. A query that sees none of its keys averages all values if the mask is causal or of
/// booleans, and gives NaN if its scores are all negative infinity, as in MLX; with a sink it gives 0.
///
/// # Panics
/// If `q`, `k`, `v` and `out` are not of one type, `heads` is not a multiple of `kv_heads`, there is not a sink for each
/// head, `out` has another length than its shape says, or an array ends before its last element.
pub fn attention(attention: &Attention<'_>, out: FloatsMut<'_>) {
    with_floats!(mut out, out => attend(attention, out));
}

/// Computes attention for each of `list`, of lengths of their own: the results are one behind the other.
///
/// # Panics
/// As [`attention`].
pub fn attention_each(list: &[Attention<'_>], out: FloatsMut<'_>) {
    let work = |a: &Attention<'_>| a.batch * a.kv_heads * a.keys * a.dim;
    let (total, most) = (list.iter().map(work).sum::<usize>(), list.iter().map(work).max());
    // Where one is most of the work, the threads share that.
    let apart = total >= decode::LEAST && most.is_some_and(|most| most * pool::threads() <= total);
    with_floats!(mut out, out => {
        let mut rest = out;
        let mut parts = Vec::with_capacity(list.len());
        for attention in list {
            let Attention { batch, heads, queries, value_dim, .. } = *attention;
            let (part, others) = rest.split_at_mut(batch * heads * queries * value_dim);
            parts.push((attention, part));
            rest = others;
        }
        assert!(rest.is_empty(), "a result for each element");
        if apart {
            pool::for_each_chunk(&mut parts, 1, |_, parts| {
                parts.iter_mut().for_each(|(attention, out)| attend(attention, out));
            });
        } else {
            parts.into_iter().for_each(|(attention, out)| attend(attention, out));
        }
    });
}

fn attend<T: Element>(attention: &Attention<'_>, out: &mut [T]) {
    let Attention { batch, heads, kv_heads, queries, keys, value_dim, .. } = *attention;
    assert_eq!(out.len(), batch * heads * queries * value_dim, "a result for each element");
    assert!(attention.sinks.is_none_or(|sinks| sinks.len() == heads), "a sink for each head");
    if out.is_empty() {
        return;
    }
    assert!(kv_heads > 0 && heads.is_multiple_of(kv_heads), "{heads} heads in groups for {kv_heads}");
    if keys == 0 {
        out.fill(Element::narrow(0.0));
        return;
    }
    let inputs = Inputs::new(attention);
    if decode::fits(attention) { decode::attend(&inputs, out) } else { prefill::attend(&inputs, out) }
}

/// Arrays of one type.
struct Inputs<'a, T> {
    shape: &'a Attention<'a>,
    q: &'a [T],
    k: &'a [T],
    v: &'a [T],
}

impl<'a, T: Element> Inputs<'a, T> {
    fn new(shape: &'a Attention<'a>) -> Self {
        let [q, k, v] = [shape.q, shape.k, shape.v].map(|x| T::slice(x.values));
        Inputs { shape, q, k, v }
    }

    /// How many heads of queries share one of keys and values.
    fn group(&self) -> usize {
        self.shape.heads / self.shape.kv_heads
    }
}
