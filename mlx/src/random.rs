//! Random numbers from explicit keys (Threefry): the same key gives the same numbers on every thread and device.

use crate::{Array, Dtype, Error, Result, ffi::ops, index::resolve_axis, ops::create::check_shape};

/// The key of a seed.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, random};
/// let draw = |seed| random::normal(&[3], Dtype::F32, &random::key(seed)?)?.to_vec::<f32>();
/// assert_eq!(draw(7)?, draw(7)?);
/// assert_ne!(draw(7)?, draw(8)?);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn key(seed: u64) -> Result<Array> {
    ops::key(seed)
}

/// `N` keys from one, independent of it and of each other.
#[track_caller]
pub fn split<const N: usize>(key: &Array) -> Result<[Array; N]> {
    let keys = ops::split_num(key, i32::try_from(N).unwrap_or(i32::MAX))?;
    let mut rows = Vec::with_capacity(N);
    for row in 0..N as i32 {
        rows.push(keys.at(row)?);
    }
    rows.try_into().map_err(|_| Error::invalid("split", "too many keys"))
}

/// Draws from the standard normal distribution.
#[track_caller]
pub fn normal(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("normal", shape, dtype)?;
    ops::normal(shape, dtype, None, None, Some(key))
}

/// Draws from the uniform distribution over `low..high`, `low` included.
#[track_caller]
pub fn uniform(low: f32, high: f32, shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("uniform", shape, dtype)?;
    ops::uniform(&Array::scalar(low), &Array::scalar(high), shape, dtype, Some(key))
}

/// Draws from the standard Gumbel distribution.
#[track_caller]
pub fn gumbel(shape: &[i32], dtype: Dtype, key: &Array) -> Result<Array> {
    check_shape("gumbel", shape, dtype)?;
    ops::gumbel(shape, dtype, Some(key))
}

/// One position (`U32`) per line along `axis`, drawn with the probabilities `softmax(logits)`.
#[track_caller]
pub fn categorical(logits: &Array, axis: i32, key: &Array) -> Result<Array> {
    let shape = logits.shape()?;
    if shape[resolve_axis("categorical", axis, shape)?] == 0 {
        return Err(Error::invalid(
            "categorical",
            format!("axis {axis} of the shape {shape:?} has no elements"),
        ));
    }
    ops::categorical(logits, axis, Some(key))
}
