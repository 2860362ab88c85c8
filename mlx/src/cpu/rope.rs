//! Rotary position embedding.

use super::{
    fused::{Fused, record},
    fuses,
    views::{Vectors, floats_mut, is_float},
};
use crate::{
    Array, Category, Dtype, Result,
    fast::{Offset, RopeOptions},
    ffi::ops,
    kernels::{Spec, View, ViewMut},
};
use mlx_cpu::rope::{Frequencies, Rope as Rotation, rope as rotate};

/// `rope`, where it can be one operation.
#[track_caller]
pub(crate) fn rope(x: &Array, offset: &Offset<'_>, options: &RopeOptions<'_>) -> Result<Option<Array>> {
    let RopeOptions { dims, traditional, base, scale, freqs } = *options;
    if !fuses()? || !fits(x, offset, options)? {
        return Ok(None);
    }
    let offset = match offset {
        Offset::Known(offset) => Array::scalar(*offset),
        Offset::Array(offset) => offset.astype(Dtype::I32)?,
    };
    let operation = Rope { dims, traditional, base: freqs.is_none().then_some(base), scale };
    record(operation, &[Some(x), Some(&offset), freqs].into_iter().flatten().collect::<Vec<_>>())
        .map(|[y]| Some(y))
}

/// Whether there is a kernel; arguments that MLX refuses are left to it.
fn fits(x: &Array, offset: &Offset<'_>, options: &RopeOptions<'_>) -> Result<bool> {
    let (&[batch, .., dim], 3 | 4) = (x.shape()?, x.ndim()?) else { return Ok(false) };
    let freqs_fit = match options.freqs {
        Some(freqs) => freqs.shape()? == [options.dims / 2] && freqs.dtype()? == Dtype::F32,
        None => true,
    };
    let offset_fits = match offset {
        Offset::Known(_) => true,
        Offset::Array(offset) => {
            let is_integer = offset.dtype()?.category().issubdtype(Category::Integer);
            is_integer && (matches!(offset.shape()?, [] | [1]) || offset.shape()? == [batch])
        }
    };
    let dims_fit = options.dims > 0 && options.dims % 2 == 0 && options.dims <= dim;
    Ok(is_float(x.dtype()?) && dims_fit && freqs_fit && offset_fits)
}

#[derive(Clone, Copy, PartialEq)]
pub(super) struct Rope {
    dims: i32,
    traditional: bool,
    base: Option<f32>,
    scale: f32,
}

impl Fused for Rope {
    const NAME: &'static str = "RoPE";

    fn output(&self, inputs: &[Spec]) -> Spec {
        inputs[0].clone()
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        let x = Vectors::of(&inputs[0])?;
        let rotation = self.rotation(&inputs[1], inputs.get(2))?;
        rotate(x.heads(), x.shape, &rotation, floats_mut(output)?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        let (x, offset, freqs) = (&inputs[0], &inputs[1], inputs.get(2));
        ops::rope_dynamic(x, self.dims, self.traditional, self.base, self.scale, offset, freqs)
    }
}

impl Rope {
    fn rotation<'a>(&self, offsets: &View<'a>, freqs: Option<&View<'a>>) -> Result<Rotation<'a>> {
        let frequencies = match (freqs, self.base) {
            (Some(freqs), _) => Frequencies::Reciprocals(freqs.as_slice::<f32>()?),
            (None, base) => Frequencies::Base(base.unwrap_or(10_000.0)),
        };
        Ok(Rotation {
            dims: self.dims as usize,
            traditional: self.traditional,
            frequencies,
            scale: self.scale,
            offsets: offsets.as_slice::<i32>()?,
        })
    }

    /// `x` rotated, as part of another operation.
    pub(super) fn rotated(
        &self,
        x: &Vectors<'_>,
        offsets: &View<'_>,
        freqs: Option<&View<'_>>,
    ) -> Result<Vectors<'static>> {
        let rotation = self.rotation(offsets, freqs)?;
        Ok(x.map(|out| rotate(x.heads(), x.shape, &rotation, out)))
    }
}
