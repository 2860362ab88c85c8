//! What sampling leaves out. Each filter takes log-probabilities `[rows, vocabulary]` and makes some minus infinity.

use mlx::{Array, Dtype, Operand, Result};

/// Keeps the tokens before which, in order of probability, less than `p` of the whole has been counted.
pub(super) fn top_p(logprobs: &Array, p: f32) -> Result<Array> {
    let sorted = logprobs.sort(-1)?;
    let probabilities = sorted.astype(Dtype::F32)?.exp()?;
    let up_to = probabilities.cumsum(-1)?;
    let total = up_to.at((.., -1..))?;
    let above = &total - up_to;
    let dropped = above.greater_equal(total * p)?.sum(mlx::axes(-1).keep())?;
    let least = sorted.take_along_axis(&dropped.astype(Dtype::U32)?, -1)?;
    keep_from(logprobs, &least)
}

/// Keeps tokens at least `p` times as probable as the most probable one, and the `count` most probable in any case.
pub(super) fn min_p(logprobs: &Array, p: f32, count: u32) -> Result<Array> {
    let mut least = logprobs.max(mlx::axes(-1).keep())? + p.ln();
    if count > 1 {
        least = least.minimum(&nth_best(logprobs, count)?)?;
    }
    keep_from(logprobs, &least)
}

/// Keeps the `k` most probable tokens, and those that are as probable as the last of them.
pub(super) fn top_k(logprobs: &Array, k: u32) -> Result<Array> {
    keep_from(logprobs, &nth_best(logprobs, k)?)
}

/// Of the tokens more probable than `threshold` keeps only the least probable, and those `protected`.
pub(super) fn xtc(logprobs: &Array, threshold: f32, protected: &[u32]) -> Result<Array> {
    let p = logprobs.astype(Dtype::F32)?.softmax(-1)?;
    let least = p.greater(threshold)?.where_(&p, &mlx::full(p.shape()?, f32::INFINITY, Dtype::F32))?;
    let mut excluded = p.greater(&least.min(mlx::axes(-1).keep())?)?;
    let vocabulary = logprobs.dim(-1)?;
    let protected: Vec<u32> =
        protected.iter().copied().filter(|&id| i64::from(id) < vocabulary.into()).collect();
    if !protected.is_empty() {
        let ids = Array::from_slice(&protected, &[1, protected.len() as i32]);
        let ids = ids.broadcast_to([logprobs.dim(0)?, protected.len() as i32])?;
        let no = mlx::zeros(ids.shape()?, Dtype::Bool);
        excluded = excluded.put_along_axis(&ids, &no, -1)?;
    }
    excluded.where_(f32::NEG_INFINITY, logprobs)
}

/// Everything below `least` becomes impossible.
fn keep_from(logprobs: &Array, least: impl Operand) -> Result<Array> {
    logprobs.less(least)?.where_(f32::NEG_INFINITY, logprobs)
}

/// The `n`th best score `[rows, 1]`, the worst if there are fewer.
fn nth_best(logprobs: &Array, n: u32) -> Result<Array> {
    let vocabulary = logprobs.dim(-1)?;
    let n = i32::try_from(n).unwrap_or(i32::MAX).clamp(1, vocabulary);
    let kth = vocabulary - n;
    logprobs.partition(kth, -1)?.at((.., kth..kth + 1))
}
