//! Gated feed-forward.

use super::{
    fused::{Fused, record},
    fuses,
    together::gated,
    views::{floats, floats_mut, is_float},
};
use crate::{
    Array, Result,
    kernels::{Spec, View, ViewMut},
    nn::silu,
};

/// `silu(gate) * up`, where it can be one operation.
#[track_caller]
pub(crate) fn swiglu(gate: &Array, up: &Array) -> Result<Option<Array>> {
    if let Some(y) = gated(gate, up)? {
        return Ok(Some(y));
    }
    let fits = fuses()? && is_float(gate.dtype()?) && Spec::of(gate)? == Spec::of(up)?;
    if fits { record(SwiGlu, &[gate, up]).map(|[y]| Some(y)) } else { Ok(None) }
}

#[derive(PartialEq)]
struct SwiGlu;

impl Fused for SwiGlu {
    const NAME: &'static str = "SwiGLU";

    fn output(&self, inputs: &[Spec]) -> Spec {
        inputs[0].clone()
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        mlx_cpu::gated::swiglu(floats(&inputs[0])?, floats(&inputs[1])?, floats_mut(output)?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        silu(&inputs[0])?.multiply(&inputs[1])
    }

    fn strided(&self) -> bool {
        false
    }
}
