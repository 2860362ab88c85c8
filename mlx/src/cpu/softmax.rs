//! Softmax over the last axis, to which MLX brings all others.

use super::views::{floats, floats_mut, is_float, rows};
use crate::{
    Result,
    kernels::{CpuKernel, Layout, View, ViewMut, replace_cpu_everywhere},
};
use std::sync::Arc;

struct Softmax;

pub(super) fn install() -> Result<()> {
    let kernel = Arc::new(Softmax);
    replace_cpu_everywhere("Softmax", move |_| super::is_default_device().then(|| kernel.clone()))
}

impl CpuKernel for Softmax {
    fn replaces(&self) -> &str {
        "Softmax"
    }

    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool {
        let (x, y) = (&inputs[0], &outputs[0]);
        is_float(x.dtype()) && x.dtype() == y.dtype() && x.is_row_contiguous() && !x.shape().is_empty()
    }

    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let width = rows(&inputs[0]).1;
        mlx_cpu::softmax::softmax(floats(&inputs[0])?, width, floats_mut(&mut outputs[0])?);
        Ok(())
    }
}
