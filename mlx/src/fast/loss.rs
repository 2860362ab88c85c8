//! Losses.

use crate::{Array, Dtype, Result, ffi::ops, ops::indexing::clamped};

/// The cross entropy of each line of `logits` `[..., classes]` and its class in `targets` `[...]`:
/// `logsumexp(logits) - logits[target]`, in the shape of `targets`.
///
/// Targets are integers; negative ones count from the last class, those out of range are clamped.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Dtype, fast, zeros};
/// let loss = fast::cross_entropy(&zeros(&[2, 8], Dtype::F32), &Array::from_slice(&[3, 0], &[2]))?;
/// assert_eq!(loss.to_vec::<f32>()?, [8f32.ln(); 2]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn cross_entropy(logits: &Array, targets: &Array) -> Result<Array> {
    let op = "cross_entropy";
    let shape = logits.shape()?;
    let targets = match shape.len().checked_sub(1) {
        // On CUDA, negative ones would be read before the line.
        Some(last) => clamped(op, targets, shape, last)?.astype(Dtype::I32)?.remainder(shape[last])?,
        None => targets.clone(), // MLX refuses logits without a class axis.
    };
    ops::cross_entropy(logits, &targets)
}
