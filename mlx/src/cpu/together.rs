//! Products of one input with quantized matrices, with the norm before them, and the gate or the sum behind.

use super::{
    fused::{Composite, record, recorded},
    fuses,
    norm::RmsNorm,
    quantized::{Product, projection},
    views::{common, floats, floats_mut, is_float, rows},
};
use crate::{
    Array, Dtype, Result,
    ffi::{
        graph::{id, inputs},
        kernels::is_result_of,
        ops,
    },
    kernels::{Spec, View, ViewMut},
    nn::{Mode, Quantization, Quantized, silu},
};
use mlx_cpu::{
    Floats, FloatsMut,
    elementwise::{accumulate, cast},
    gated,
    norm::rms_norm,
    quantized::{Quantized as Matrix, project_together},
};
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
    let (norm, before) = before(x)?;
    let parts = matrices.iter().flat_map(|matrix| {
        [Some(&matrix.weight), Some(&matrix.scales), matrix.biases.as_ref()].into_iter().flatten()
    });
    let all = before.iter().chain(parts).collect::<Vec<_>>();
    record(Together { quantizations, norm, then: Then::Nothing }, &all).map(Some)
}

/// The norm that gives `x` and its inputs, or `x`.
fn before(x: &Array) -> Result<(Option<Norm>, Vec<Array>)> {
    Ok(match recorded::<RmsNorm>(x)? {
        Some((norm, _)) => {
            let inputs = inputs(x)?;
            (Some(Norm { eps: norm.0.eps, weight: inputs.len() > 1 }), inputs)
        }
        None => (None, vec![x.clone()]),
    })
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
    let Together { quantizations, norm, then } = &node.0;
    let (of_gate, of_up) = (inputs(gate)?, inputs(up)?);
    let same = || -> Result<bool> {
        let mut pairs = of_gate.iter().zip(&of_up).map(|(a, b)| Ok(id(a)? == id(b)?));
        pairs.try_fold(true, |all, same: Result<bool>| Ok(all && same?))
    };
    if *then != Then::Nothing || quantizations.len() != 2 || !Arc::ptr_eq(&node, &other) || !same()? {
        return Ok(None);
    }
    let operation = Together { quantizations: quantizations.clone(), norm: *norm, then: Then::Gate };
    record(operation, &of_gate.iter().collect::<Vec<_>>()).map(|[y]| Some(y))
}

/// `a + b` where one of them is a product yet to be computed: then as one with that. Who asks for the product itself, too,
/// has it computed again.
#[track_caller]
pub(crate) fn added(a: &Array, b: &Array) -> Result<Option<Array>> {
    for (product, other) in [(b, a), (a, b)] {
        let Some((x, matrix)) = projection(product)? else { continue };
        if !fuses()? || !fits(&x, &[&matrix])? || Spec::of(product)? != Spec::of(other)? {
            continue;
        }
        let Quantized { weight, scales, biases, quantization } = &matrix;
        let parts: Vec<&Array> =
            [Some(weight), Some(scales), biases.as_ref()].into_iter().flatten().collect();
        if let Some((node, _)) = recorded::<Together>(&x)?
            && node.0.then == Then::Gate
        {
            let operation = node.0.with(*quantization);
            let all = inputs(&x)?;
            let (before, gate) =
                all.split_at(1 + usize::from(operation.norm.is_some_and(|norm| norm.weight)));
            let all = before.iter().chain([other]).chain(gate).chain(parts).collect::<Vec<_>>();
            return record(operation, &all).map(|[y]| Some(y));
        }
        let (norm, mut before) = before(&x)?;
        if norm.is_none() && is_result_of(&x, "Reshape") {
            // What is added says which shape the sum has.
            before = inputs(&x)?;
        }
        let all = before.iter().chain([other]).chain(parts).collect::<Vec<_>>();
        let operation = Together { quantizations: vec![*quantization], norm, then: Then::Add };
        return record(operation, &all).map(|[y]| Some(y));
    }
    Ok(None)
}

/// `silu` of the products with the first matrix, times those with the second.
fn gated_products(matrices: &[Matrix<'_>], x: Floats<'_>, count: usize, y: &mut [f32]) {
    let (mut gate, mut up) = (vec![0.0; y.len()], vec![0.0; y.len()]);
    project_together(matrices, x, count, &mut [FloatsMut::F32(&mut gate), FloatsMut::F32(&mut up)]);
    gated::swiglu(Floats::F32(&gate), Floats::F32(&up), FloatsMut::F32(y));
}

#[derive(Clone, Copy, PartialEq)]
struct Norm {
    eps: f32,
    weight: bool,
}

/// What becomes of the products.
#[derive(Clone, Copy, PartialEq)]
enum Then {
    /// They are the outputs.
    Nothing,
    /// The output is `silu` of the first times the second.
    Gate,
    /// The output is the only product and an input of its shape and dtype.
    Add,
    /// The output is the third matrix's product with what [`Then::Gate`] makes of the others, and an input of its shape and
    /// dtype: all of a feed-forward layer.
    GateAdd,
}

/// The inputs are `x`, the weight of the norm if there is one, what is added if something is, and the parts of each matrix.
#[derive(PartialEq)]
struct Together {
    quantizations: Vec<Quantization>,
    norm: Option<Norm>,
    then: Then,
}

/// The inputs of a [`Together`], by what they are for.
struct Inputs<'a, T> {
    x: &'a T,
    weight: Option<&'a T>,
    added: Option<&'a T>,
    matrices: Vec<&'a [T]>,
}

impl Together {
    /// The gate of this one, times a matrix, and an input.
    fn with(&self, quantization: Quantization) -> Together {
        let quantizations = self.quantizations.iter().copied().chain([quantization]).collect();
        Together { quantizations, norm: self.norm, then: Then::GateAdd }
    }

    fn sort<'a, T>(&self, inputs: &'a [T]) -> Inputs<'a, T> {
        let (x, mut rest) = (&inputs[0], &inputs[1..]);
        let mut next = |is_there: bool| {
            let (next, others) = rest.split_at(usize::from(is_there));
            rest = others;
            next.first()
        };
        let weight = next(self.norm.is_some_and(|norm| norm.weight));
        let added = next(matches!(self.then, Then::Add | Then::GateAdd));
        let mut matrices = Vec::with_capacity(self.quantizations.len());
        for quantization in &self.quantizations {
            let (parts, others) = rest.split_at(if quantization.mode == Mode::Affine { 3 } else { 2 });
            matrices.push(parts);
            rest = others;
        }
        Inputs { x, weight, added, matrices }
    }
}

impl Composite for Together {
    const NAME: &'static str = "QuantizedMatmul";

    fn outputs(&self, inputs: &[Spec]) -> Vec<Spec> {
        let Inputs { x, weight, added, matrices } = self.sort(inputs);
        if let Some(added) = added {
            return vec![added.clone()];
        }
        let of_x = common([Some(x), weight].into_iter().flatten().map(|spec| spec.dtype));
        let mut outputs = matrices.iter().map(|parts| {
            let (scales, mut shape) = (&parts[1], x.shape.clone());
            if let (Some(last), Some(rows)) = (shape.last_mut(), scales.shape.first()) {
                *last = *rows;
            }
            let dtype = if scales.dtype == Dtype::U8 { of_x } else { common([of_x, scales.dtype]) };
            Spec::new(shape, dtype)
        });
        if self.then == Then::Gate { outputs.by_ref().take(1).collect() } else { outputs.collect() }
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let Inputs { x, weight, added, matrices } = self.sort(inputs);
        let mut numbers = floats(x)?;
        let mut normed = Cow::Borrowed(&[][..]);
        if let Some(Norm { eps, .. }) = self.norm {
            let normed = normed.to_mut();
            normed.resize(numbers.len(), 0.0);
            rms_norm(numbers, weight.map(floats).transpose()?, rows(x).1, eps, FloatsMut::F32(normed));
            numbers = Floats::F32(normed);
        }
        let products = self.quantizations.iter().map(|quantization| Product::transposed(*quantization));
        let matrices = products
            .zip(matrices)
            .map(|(product, parts)| product.matrix(parts))
            .collect::<Result<Vec<_>>>()?;
        let count = matrices.first().map_or(0, |matrix| numbers.len() / matrix.columns());
        if self.then == Then::Nothing {
            let mut outs = outputs.iter_mut().map(floats_mut).collect::<Result<Vec<_>>>()?;
            project_together(&matrices, numbers, count, &mut outs);
            return Ok(());
        }
        let mut y = vec![0.0; outputs[0].size()];
        match (self.then, &*matrices) {
            (Then::Gate, gate_up) => gated_products(gate_up, numbers, count, &mut y),
            (Then::GateAdd, [gate_up @ .., down]) => {
                let mut gated = vec![0.0; count * down.columns()];
                gated_products(gate_up, numbers, count, &mut gated);
                project_together(&[*down], Floats::F32(&gated), count, &mut [FloatsMut::F32(&mut y)]);
            }
            (_, all) => project_together(all, numbers, count, &mut [FloatsMut::F32(&mut y)]),
        }
        if let Some(added) = added {
            accumulate(floats(added)?, &mut y);
        }
        cast(Floats::F32(&y), floats_mut(&mut outputs[0])?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Vec<Array>> {
        let Inputs { x, weight, added, matrices } = self.sort(inputs);
        let mut x = match self.norm {
            Some(Norm { eps, .. }) => ops::rms_norm(x, weight, eps)?,
            None => x.clone(),
        };
        if let (Some(added), [[_, scales, ..], ..]) = (added, &*matrices) {
            let mut shape = added.shape()?.to_vec();
            if let Some(last) = shape.last_mut() {
                *last = scales.dim(-1)? * self.quantizations[0].group_size;
            }
            x = if x.shape()? == shape { x } else { x.reshape(shape)? };
        }
        let product =
            |i: usize, x: &Array| Product::transposed(self.quantizations[i]).compose(x, matrices[i]);
        let gated = || silu(&product(0, &x)?)?.multiply(product(1, &x)?);
        Ok(match (self.then, added) {
            (Then::Gate, _) => vec![gated()?],
            (Then::GateAdd, Some(added)) => vec![ops::add(&product(2, &gated()?)?, added)?],
            (Then::Add, Some(added)) => vec![ops::add(&product(0, &x)?, added)?],
            _ => (0..matrices.len()).map(|i| product(i, &x)).collect::<Result<_>>()?,
        })
    }

    fn strided(&self) -> bool {
        false
    }
}
