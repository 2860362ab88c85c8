//! Rotary position embedding.

use crate::{
    Array, Error, Result, cpu,
    ffi::{
        graph::{id, inputs},
        ops,
    },
};

/// Options of [`rope`].
#[derive(Clone, Copy, Debug)]
pub struct RopeOptions<'a> {
    /// How many of the last axis's elements are rotated; even.
    pub dims: i32,
    /// Rotates neighbouring pairs instead of halves.
    pub traditional: bool,
    /// The base of the frequencies; ignored when `freqs` is given.
    pub base: f32,
    /// Multiplies positions.
    pub scale: f32,
    /// The wavelengths divided by 2π, `[dims / 2]`, in place of `base`'s.
    pub freqs: Option<&'a Array>,
}

/// The position of the first of the elements that [`rope`] rotates.
#[derive(Clone, Copy, Debug)]
pub enum Offset<'a> {
    /// One for all.
    Known(i32),
    /// An integer array that may be computed on the device: a scalar, or one position per batch entry.
    Array(&'a Array),
}

impl From<i32> for Offset<'_> {
    fn from(offset: i32) -> Self {
        Offset::Known(offset)
    }
}

impl<'a> From<&'a Array> for Offset<'a> {
    fn from(offset: &'a Array) -> Self {
        Offset::Array(offset)
    }
}

/// Rotary position embedding of `x` `[batch, ..., length, dims or more]`, whose first position is `offset`: a number,
/// or an array of one per batch entry ([Su et al., 2021](https://arxiv.org/abs/2104.09864)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Dtype, fast::{RopeOptions, rope}, ones};
/// let x = ones(&[2, 1, 1, 4], Dtype::F32);
/// let options = RopeOptions { dims: 4, traditional: false, base: 10_000.0, scale: 1.0, freqs: None };
/// let each = rope(&x, &Array::from_slice(&[0, 7], &[2]), options)?;
/// assert_eq!(each.at(1)?.to_vec::<f32>()?, rope(&x, 7, options)?.at(1)?.to_vec::<f32>()?);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn rope<'a>(x: &Array, offset: impl Into<Offset<'a>>, options: RopeOptions<'_>) -> Result<Array> {
    let RopeOptions { dims, traditional, base, scale, freqs } = options;
    let base = freqs.is_none().then_some(base);
    let offset = offset.into();
    if let Offset::Known(first) = offset {
        check_positions(x, first)?;
    }
    if let Some(y) = cpu::rope(x, &offset, &options)? {
        return Ok(y);
    }
    match offset {
        Offset::Known(offset) => ops::rope(x, dims, traditional, base, scale, offset, freqs),
        Offset::Array(offset) => ops::rope_dynamic(x, dims, traditional, base, scale, offset, freqs),
    }
}

/// What queries and keys were before [`rope`] rotated them, by the same frequencies.
pub(crate) struct Unrotated {
    pub(crate) q: Array,
    pub(crate) k: Array,
    /// Of queries and of keys.
    pub(crate) offsets: [Array; 2],
    pub(crate) freqs: Option<Array>,
}

impl Unrotated {
    /// Those of `q` and `k`, both yet to be computed by an operation whose inputs are what it rotates, the offset, and maybe
    /// frequencies; `None` if the frequencies are not the same array.
    pub(crate) fn of(q: &Array, k: &Array) -> Result<Option<Unrotated>> {
        let (mut of_q, mut of_k) = (inputs(q)?.into_iter(), inputs(k)?.into_iter());
        let (Some(q), Some(offset_q), freqs) = (of_q.next(), of_q.next(), of_q.next()) else {
            return Ok(None);
        };
        let (Some(k), Some(offset_k), other) = (of_k.next(), of_k.next(), of_k.next()) else {
            return Ok(None);
        };
        let same = match (&freqs, &other) {
            (Some(freqs), Some(other)) => id(freqs)? == id(other)?,
            (None, None) => true,
            _ => false,
        };
        Ok(same.then_some(Unrotated { q, k, offsets: [offset_q, offset_k], freqs }))
    }
}

#[track_caller]
fn check_positions(x: &Array, first: i32) -> Result<()> {
    let length = x.shape()?.iter().rev().nth(1).copied().unwrap_or_default();
    match first.checked_add(length) {
        Some(_) => Ok(()),
        None => {
            let text = format!("{length} positions from {first} on pass the largest 32-bit integer");
            Err(Error::invalid("rope", text))
        }
    }
}
