//! Normalization over the last axis.

use super::{
    fused::{Fused, record},
    fuses,
    views::{common, floats, floats_mut, is_float, rows},
};
use crate::{
    Array, Result,
    ffi::ops,
    kernels::{Spec, View, ViewMut},
};

/// `rms_norm`, where it can be one operation.
#[track_caller]
pub(crate) fn rms_norm(x: &Array, weight: Option<&Array>, eps: f32) -> Result<Option<Array>> {
    match weight.map_or_else(|| fits(x, &[]), |weight| fits(x, &[weight]))? {
        true => {
            let inputs = [Some(x), weight].into_iter().flatten().collect::<Vec<_>>();
            record(RmsNorm { eps }, &inputs).map(|[y]| Some(y))
        }
        false => Ok(None),
    }
}

/// `layer_norm`, where it can be one operation.
#[track_caller]
pub(crate) fn layer_norm(
    x: &Array,
    weight: Option<&Array>,
    bias: Option<&Array>,
    eps: f32,
) -> Result<Option<Array>> {
    let affine: Vec<&Array> = weight.into_iter().chain(bias).collect();
    if !fits(x, &affine)? {
        return Ok(None);
    }
    let operation = LayerNorm { eps, weight: weight.is_some(), bias: bias.is_some() };
    record(operation, &[&[x], &*affine].concat()).map(|[y]| Some(y))
}

/// Whether there is a kernel; arguments that MLX refuses are left to it.
fn fits(x: &Array, affine: &[&Array]) -> Result<bool> {
    if !fuses()? || !is_float(x.dtype()?) {
        return Ok(false);
    }
    let Some(width) = x.shape()?.last() else { return Ok(false) };
    for array in affine {
        if array.shape()? != [*width] || !is_float(array.dtype()?) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// An output like the first input, of the dtype that all inputs together have.
fn like_first(inputs: &[Spec]) -> Spec {
    Spec::new(&inputs[0].shape, common(inputs.iter().map(|input| input.dtype)))
}

#[derive(PartialEq)]
pub(super) struct RmsNorm {
    pub(super) eps: f32,
}

impl Fused for RmsNorm {
    const NAME: &'static str = "RMSNorm";

    fn output(&self, inputs: &[Spec]) -> Spec {
        like_first(inputs)
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        let width = rows(&inputs[0]).1;
        let weight = inputs.get(1).map(floats).transpose()?;
        mlx_cpu::norm::rms_norm(floats(&inputs[0])?, weight, width, self.eps, floats_mut(output)?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        ops::rms_norm(&inputs[0], inputs.get(1), self.eps)
    }

    fn strided(&self) -> bool {
        false
    }
}

#[derive(PartialEq)]
struct LayerNorm {
    eps: f32,
    weight: bool,
    bias: bool,
}

impl LayerNorm {
    /// Weight and bias among the inputs.
    fn affine<'a, T>(&self, inputs: &'a [T]) -> (Option<&'a T>, Option<&'a T>) {
        let mut rest = inputs[1..].iter();
        let weight = self.weight.then(|| rest.next()).flatten();
        (weight, self.bias.then(|| rest.next()).flatten())
    }
}

impl Fused for LayerNorm {
    const NAME: &'static str = "LayerNorm";

    fn output(&self, inputs: &[Spec]) -> Spec {
        like_first(inputs)
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        let (weight, bias) = self.affine(inputs);
        let (weight, bias) = (weight.map(floats).transpose()?, bias.map(floats).transpose()?);
        let (x, width) = (floats(&inputs[0])?, rows(&inputs[0]).1);
        mlx_cpu::norm::layer_norm(x, weight, bias, width, self.eps, floats_mut(output)?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        let (weight, bias) = self.affine(inputs);
        ops::layer_norm(&inputs[0], weight, bias, self.eps)
    }

    fn strided(&self) -> bool {
        false
    }
}
