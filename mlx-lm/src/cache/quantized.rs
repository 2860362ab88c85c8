//! Attention over quantized keys and values, which stay as they are.

use mlx::{Array, Dtype, Result, concatenate, fast::Mask, nn::Quantized};

/// Scores of so many numbers are in memory at once.
const SCORES: i64 = 1 << 26;

/// `softmax(scale · q kᵀ + mask) v` for `q` `[batch, heads, queries, dim]`, with attention sinks `[heads]` if given.
pub(super) fn attention(
    q: &Array,
    k: &Quantized,
    v: &Quantized,
    scale: f32,
    mask: Mask<'_>,
    sinks: Option<&Array>,
) -> Result<Array> {
    let ([batch, heads, queries, _], keys) = (q.dims()?, k.weight.dim(2)?);
    let mask = match mask {
        Mask::None => None,
        Mask::Causal => Some(causal(queries, keys)?),
        Mask::Array(mask) => Some(mask.clone()),
    };
    let all_heads = i64::from(batch) * i64::from(heads);
    let block = (SCORES / (all_heads * i64::from(keys)).max(1)).clamp(1, queries.into()) as i32;
    let blocks = (0..queries).step_by(block as usize).map(|start| {
        let end = (start + block).min(queries);
        let rows = |mask: &Array| match mask.dim(-2)? {
            1 => Ok(mask.clone()),
            _ => mask.at((mlx::Rest, start..end, ..)),
        };
        let mask = mask.as_ref().map(rows).transpose()?;
        attend(&q.at((.., .., start..end))?, k, v, scale, mask.as_ref(), sinks)
    });
    match &blocks.collect::<Result<Vec<_>>>()?[..] {
        [one] => Ok(one.clone()),
        many => concatenate(many, 2),
    }
}

fn attend(
    q: &Array,
    k: &Quantized,
    v: &Quantized,
    scale: f32,
    mask: Option<&Array>,
    sinks: Option<&Array>,
) -> Result<Array> {
    let ([batch, heads, queries, dim], [_, kv_heads, keys, _]) = (q.dims()?, k.weight.dims()?);
    // Heads that share keys are more rows of one product.
    let shared = (q * scale).reshape([batch, kv_heads, heads / kv_heads * queries, dim])?;
    let mut scores = k.project(&shared)?.reshape([batch, heads, queries, keys])?;
    if let Some(mask) = mask {
        scores = match mask.dtype()? {
            Dtype::Bool => mask.logical_not()?.where_(f32::NEG_INFINITY, &scores)?,
            _ => scores + mask,
        };
    }
    let weights = match sinks {
        None => scores.softmax(-1)?,
        Some(sinks) => {
            let sinks = sinks.astype(scores.dtype()?)?.reshape([1, heads, 1, 1])?;
            let sinks = sinks.broadcast_to([batch, heads, queries, 1])?;
            concatenate(&[sinks, scores], -1)?.softmax(-1)?.at((mlx::Rest, 1..))?
        }
    };
    let weights = weights.reshape([batch, kv_heads, heads / kv_heads * queries, keys])?;
    v.project_back(&weights)?.reshape([batch, heads, queries, -1])
}

fn causal(queries: i32, keys: i32) -> Result<Array> {
    let position = |from: i32, to: i32| mlx::arange(from.into(), to.into(), 1.0, Dtype::I32);
    position(keys - queries, keys)?.expand_dims(1)?.greater_equal(&position(0, keys)?)
}
