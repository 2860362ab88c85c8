//! Products of one input with several quantized matrices, with the norm before them and the gate behind.

use super::{
    fused::{Composite, record, recorded},
    fuses,
    norm::RmsNorm,
    quantized::Product,
    views::{common, floats, floats_mut, is_float, rows},
};
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::{id, inputs},
        ops,
    },
    kernels::{Spec, View, ViewMut},
    nn::{Mode, Quantization, Quantized, silu},
};
use mlx_cpu::{Floats, FloatsMut, elementwise::cast, gated, norm::rms_norm, quantized::project_together};
use std::{borrow::Cow, sync::Arc};

/// For more vectors there is nothing to gain: then arithmetic takes the time, and not going from one operation to the next.
const MOST_VECTORS: usize = 8;

/// `x` times each of the transposed matrices, where that can be one operation. It takes the norm along that gives `x`.
#[track_caller]
pub(crate) fn products<const N: usize>(x: &Array, matrices: [&Quantized; N]) -> Result<Option<[Array; N]>> {
    if !fuses()? || !fits(x, &matrices)? {
        return Ok(None);
    }
    let quantizations = matrices.iter().map(|matrix| matrix.quantization).collect();
    let norm = recorded::<RmsNorm>(x)?;
    let before = match &norm {
        Some(_) => inputs(x)?,
        None => vec![x.clone()],
    };
    let parts = matrices.iter().flat_map(|matrix| {
        [Some(&matrix.weight), Some(&matrix.scales), matrix.biases.as_ref()].into_iter().flatten()
    });
    let all = before.iter().chain(parts).collect::<Vec<_>>();
    let norm = norm.map(|(norm, _)| Norm { eps: norm.0.eps, weight: before.len() > 1 });
    record(Together { quantizations, norm, gated: false }, &all).map(Some)
}

fn fits(x: &Array, matrices: &[&Quantized]) -> Result<bool> {
    let (&[.., columns], dtype) = (x.shape()?, x.dtype()?) else { return Ok(false) };
    if !is_float(dtype) || columns == 0 || x.size()? > MOST_VECTORS * columns.unsigned_abs() as usize {
        return Ok(false);
    }
    for Quantized { weight, scales, biases, quantization } in matrices {
        let Ok([rows, groups]) = scales.dims() else { return Ok(false) };
        let columns = i64::from(columns);
        let words = columns * i64::from(quantization.bits) / 32;
        let affine = quantization.mode == Mode::Affine;
        let scale = if affine { is_float(scales.dtype()?) } else { scales.dtype()? == Dtype::U8 };
        let bias = match biases {
            Some(biases) => {
                affine && biases.shape()? == [rows, groups] && biases.dtype()? == scales.dtype()?
            }
            None => !affine,
        };
        let weight = weight.dtype()? == Dtype::U32
            && weight.dims().is_ok_and(|[r, w]| (r, i64::from(w)) == (rows, words));
        let group = i64::from(groups) * i64::from(quantization.group_size) == columns;
        if !(scale && bias && weight && group) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// `silu(gate) * up` where both are yet to be computed together, and nothing else has been asked for: then as one with that.
#[track_caller]
pub(super) fn gated(gate: &Array, up: &Array) -> Result<Option<Array>> {
    let (Some((node, 0)), Some((other, 1))) = (recorded::<Together>(gate)?, recorded::<Together>(up)?) else {
        return Ok(None);
    };
    let Together { quantizations, norm, gated } = &node.0;
    let (of_gate, of_up) = (inputs(gate)?, inputs(up)?);
    let same = || -> Result<bool> {
        let mut pairs = of_gate.iter().zip(&of_up).map(|(a, b)| Ok(id(a)? == id(b)?));
        pairs.try_fold(true, |all, same: Result<bool>| Ok(all && same?))
    };
    if *gated || quantizations.len() != 2 || !Arc::ptr_eq(&node, &other) || !same()? {
        return Ok(None);
    }
    let operation = Together { quantizations: quantizations.clone(), norm: *norm, gated: true };
    record(operation, &of_gate.iter().collect::<Vec<_>>()).map(|[y]| Some(y))
}

#[derive(Clone, Copy, PartialEq)]
struct Norm {
    eps: f32,
    weight: bool,
}

/// The inputs are `x`, the weight of the norm if there is one, and the parts of each matrix.
#[derive(PartialEq)]
struct Together {
    quantizations: Vec<Quantization>,
    norm: Option<Norm>,
    /// Whether the only output is `silu` of the first product times the second.
    gated: bool,
}

/// The inputs of a [`Together`], by what they are for.
struct Inputs<'a, T> {
    x: &'a T,
    weight: Option<&'a T>,
    matrices: Vec<&'a [T]>,
}

impl Together {
    fn sort<'a, T>(&self, inputs: &'a [T]) -> Inputs<'a, T> {
        let (x, mut rest) = (&inputs[0], &inputs[1..]);
        let mut weight = None;
        if self.norm.is_some_and(|norm| norm.weight) {
            (weight, rest) = (rest.first(), &rest[1..]);
        }
        let mut matrices = Vec::with_capacity(self.quantizations.len());
        for quantization in &self.quantizations {
            let (parts, others) = rest.split_at(if quantization.mode == Mode::Affine { 3 } else { 2 });
            matrices.push(parts);
            rest = others;
        }
        Inputs { x, weight, matrices }
    }
}

impl Composite for Together {
    const NAME: &'static str = "QuantizedMatmul";

    fn outputs(&self, inputs: &[Spec]) -> Vec<Spec> {
        let Inputs { x, weight, matrices } = self.sort(inputs);
        let of_x = common([Some(x), weight].into_iter().flatten().map(|spec| spec.dtype));
        let mut outputs = matrices.iter().map(|parts| {
            let (scales, mut shape) = (&parts[1], x.shape.clone());
            if let (Some(last), Some(rows)) = (shape.last_mut(), scales.shape.first()) {
                *last = *rows;
            }
            let dtype = if scales.dtype == Dtype::U8 { of_x } else { common([of_x, scales.dtype]) };
            Spec::new(shape, dtype)
        });
        if self.gated { outputs.by_ref().take(1).collect() } else { outputs.collect() }
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let Inputs { x, weight, matrices } = self.sort(inputs);
        let (count, width) = rows(x);
        let mut numbers = floats(x)?;
        let mut normed = Cow::Borrowed(&[][..]);
        if let Some(Norm { eps, .. }) = self.norm {
            let normed = normed.to_mut();
            normed.resize(numbers.len(), 0.0);
            rms_norm(numbers, weight.map(floats).transpose()?, width, eps, FloatsMut::F32(normed));
            numbers = Floats::F32(normed);
        }
        let products = self.quantizations.iter().map(|quantization| Product::transposed(*quantization));
        let matrices = products
            .zip(matrices)
            .map(|(product, parts)| product.matrix(parts))
            .collect::<Result<Vec<_>>>()?;
        if !self.gated {
            let mut outputs = outputs.iter_mut().map(floats_mut).collect::<Result<Vec<_>>>()?;
            project_together(&matrices, numbers, count, &mut outputs);
            return Ok(());
        }
        let size = outputs[0].size();
        let (mut gate, mut up) = (vec![0.0; size], vec![0.0; size]);
        project_together(
            &matrices,
            numbers,
            count,
            &mut [FloatsMut::F32(&mut gate), FloatsMut::F32(&mut up)],
        );
        let mut y = vec![0.0; size];
        gated::swiglu(Floats::F32(&gate), Floats::F32(&up), FloatsMut::F32(&mut y));
        cast(Floats::F32(&y), floats_mut(&mut outputs[0])?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let Inputs { x, weight, matrices } = self.sort(inputs);
        let x = match self.norm {
            Some(Norm { eps, .. }) => ops::rms_norm(x, weight, eps)?,
            None => x.clone(),
        };
        let products = self
            .quantizations
            .iter()
            .zip(matrices)
            .map(|(quantization, parts)| Product::transposed(*quantization).compose(&x, parts));
        match &*products.collect::<Result<Vec<_>>>()? {
            [gate, up] if self.gated => Ok(vec![silu(gate)?.multiply(up)?]),
            all => Ok(all.to_vec()),
        }
    }

    fn strided(&self) -> bool {
        false
    }
}
