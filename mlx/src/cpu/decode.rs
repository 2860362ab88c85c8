//! A step of decoding: keys and values of tokens are rotated, appended to those of their sequences, and attended to.

use super::{
    fused::{Composite, record_list, recorded},
    fuses,
    rope::Rope,
    views::{Vectors, floats_mut, is_float},
};
use crate::{
    Array, Dtype, Error, Result,
    fast::{Room, Sequence, Unrotated},
    ffi::{
        graph::inputs,
        kernels::{is_result_of, rows, write_vector},
    },
    kernels::{Spec, View, ViewMut},
};
use mlx_cpu::{
    Floats,
    attention::{Attention, Mask, attention_each},
    heads::Heads,
};
use std::iter;

const OP: &str = "append_and_attend";

/// [`append_and_attend`](crate::fast::append_and_attend) of arguments that have been checked.
#[track_caller]
pub(crate) fn append_and_attend(
    [q, k, v]: [&Array; 3],
    sequences: &mut [Sequence<'_>],
    scale: f32,
) -> Result<Option<Array>> {
    let dtype = q.dtype()?;
    if sequences.is_empty() || !fuses()? || !is_float(dtype) || q.size()? == 0 || v.size()? == 0 {
        return Ok(None);
    }
    let Some(Room { memory, places }) = Room::of(k, v, sequences)? else { return Ok(None) };
    let counts = sequences.iter().map(|sequence| sequence.count as usize).collect();
    let places = Array::from_slice(&places, &[places.len() as i32 / 2, 2]);
    let rotation = rotation(q, k)?;
    let (q, k) = rotation.as_ref().map_or((q, k), |(_, before)| (&before.q, &before.k));
    let (q, k, v) = (side_by_side(q)?, side_by_side(k)?, side_by_side(v)?);
    let mut all = vec![&q, &k, &v, &places];
    if let Some((_, Unrotated { offsets, freqs, .. })) = &rotation {
        all.extend(offsets.iter().chain(freqs));
    }
    all.extend(&memory);
    for array in &all {
        if array.handle()?.is_tracer() {
            return Ok(None);
        }
    }
    let rope = rotation.as_ref().map(|(rope, _)| *rope);
    let mut outputs = record_list(Step { scale, counts, rope }, &all)?.into_iter();
    let y = outputs.next();
    Room::filled(outputs.collect(), sequences);
    Ok(y)
}

/// How `q` and `k` are rotated, and what they were before, if that is the last that happens to both.
fn rotation(q: &Array, k: &Array) -> Result<Option<(Rope, Unrotated)>> {
    match (recorded::<Rope>(q)?, recorded::<Rope>(k)?) {
        (Some((of_q, _)), Some((of_k, _))) if of_q.0 == of_k.0 => {
            Ok(Unrotated::of(q, k)?.map(|before| (of_q.0, before)))
        }
        _ => Ok(None),
    }
}

/// `x` `[batch, heads, 1, dim]`, or the vectors `[batch, 1, heads · dim]` that it is made of by reshaping alone, which is then
/// spared.
fn side_by_side(x: &Array) -> Result<Array> {
    if is_result_of(x, "Reshape")
        && let [vectors] = &*inputs(x)?
        && matches!(vectors.shape()?, &[batch, 1, _] if batch == x.dim(0)?)
    {
        return Ok(vectors.clone());
    }
    Ok(x.clone())
}

/// The inputs are queries, keys, values, each with an axis of heads or these side by side, for each token the first one that it
/// attends to and where it goes, if they are rotated the positions of queries and of keys and maybe frequencies, and the memory
/// of keys, then of values, of each sequence. The outputs are what attention gives, and the memory.
#[derive(PartialEq)]
struct Step {
    scale: f32,
    /// How many tokens each sequence takes.
    counts: Vec<usize>,
    rope: Option<Rope>,
}

impl Step {
    /// Of sequences.
    fn count(&self) -> usize {
        self.counts.len()
    }
}

impl Composite for Step {
    const NAME: &'static str = "ScaledDotProductAttention";

    fn outputs(&self, inputs: &[Spec]) -> Vec<Spec> {
        let memory = &inputs[inputs.len() - 2 * self.count()..];
        let [dim, value_dim] = [0, self.count()].map(|i| memory[i].shape.last().map_or(1, |&dim| dim));
        let (batch, all) = inputs[0].shape.split_first().map_or((1, &[][..]), |(&batch, all)| (batch, all));
        let heads = all.iter().product::<i32>() / dim.max(1);
        let y = Spec::new([batch, heads, 1, value_dim], inputs[0].dtype);
        [y].into_iter().chain(memory.iter().cloned()).collect()
    }

    fn in_place(&self, _inputs: usize) -> usize {
        2 * self.count()
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let count = self.count();
        let memory = &inputs[inputs.len() - 2 * count..];
        let heads = |i: usize, memory: &View<'_>| {
            let dim = memory.shape().last().map_or(1, |&dim| dim as usize);
            Ok::<_, Error>(Vectors::of(&inputs[i])?.of_heads(dim))
        };
        let (keys, values) = (&memory[0], &memory[count]);
        let (mut q, mut k, v) = (heads(0, keys)?, heads(1, keys)?, heads(2, values)?);
        if let Some(rope) = &self.rope {
            let freqs = inputs[6..inputs.len() - 2 * count].first();
            q = rope.rotated(&q, &inputs[4], freqs)?;
            k = rope.rotated(&k, &inputs[5], freqs)?;
        }
        let places = inputs[3].as_slice::<i32>()?.as_chunks::<2>().0;
        let ([y], memory) = outputs.split_at_mut(1) else {
            return Err(Error::invalid(OP, "there is an output"));
        };
        let (keys, values) = memory.split_at(count);
        let of_sequences = (0..count).flat_map(|i| iter::repeat_n(i, self.counts[i]));
        let tokens: Vec<_> = of_sequences.zip(places).enumerate().collect();
        for &(token, (i, &[_, at])) in &tokens {
            append(&k, token, &keys[i], at)?;
            append(&v, token, &values[i], at)?;
        }
        let ([_, heads, _, dim], [_, kv_heads, _, value_dim]) = (q.shape, v.shape);
        let attentions = tokens.into_iter().map(|(token, (i, &[from, at]))| {
            let (from, end) = (from as usize, at as usize + 1);
            Ok(Attention {
                batch: 1,
                heads,
                kv_heads,
                queries: 1,
                keys: end - from,
                dim,
                value_dim,
                q: q.of_batch(token),
                k: seen(&keys[i], from, dim)?,
                v: seen(&values[i], from, value_dim)?,
                scale: self.scale,
                mask: Mask::None,
                sinks: None,
            })
        });
        attention_each(&attentions.collect::<Result<Vec<_>>>()?, floats_mut(y)?);
        Ok(())
    }

    fn compose(&self, _: &[Array]) -> Result<Vec<Array>> {
        // Whatever takes part in a transformation is recorded as its parts.
        Err(Error::invalid(OP, "memory that is written in place has no transformations"))
    }
}

/// The rows of `memory` from `from` on, of vectors of `dim` elements.
fn seen<'m>(memory: &ViewMut<'m>, from: usize, dim: usize) -> Result<Heads<'m>> {
    let all = match memory.dtype() {
        Dtype::F32 => Floats::F32(rows(memory)?),
        Dtype::F16 => Floats::F16(rows(memory)?),
        _ => Floats::Bf16(rows(memory)?),
    };
    let (start, len) = (from * dim, all.len());
    let values = all.part(start, len - start);
    Ok(Heads { values, strides: [len, memory.shape()[2] as usize * dim, dim] })
}

/// Writes the vectors of all heads of batch entry `i` to row `at` of `memory`.
fn append(vectors: &Vectors<'_>, i: usize, memory: &ViewMut<'_>, at: i32) -> Result<()> {
    let ([_, heads, _, dim], of_entry) = (vectors.shape, vectors.of_batch(i));
    for head in 0..heads {
        let at = at as usize;
        match of_entry.values.part(head * of_entry.strides[1], dim) {
            Floats::F32(vector) => write_vector(memory, head, at, vector)?,
            Floats::F16(vector) => write_vector(memory, head, at, vector)?,
            Floats::Bf16(vector) => write_vector(memory, head, at, vector)?,
        }
    }
    Ok(())
}
