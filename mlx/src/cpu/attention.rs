//! Scaled dot-product attention.

use super::{
    fused::{Fused, record},
    fuses,
    views::{Vectors, extents, floats, floats_mut, is_float, strided},
};
use crate::{
    Array, Dtype, Error, Result,
    fast::Mask,
    ffi::ops,
    kernels::{Spec, View, ViewMut},
};
use mlx_cpu::attention::{Attention as Arguments, Mask as Hidden, attention as attend};

/// `scaled_dot_product_attention` of arrays whose shapes have been checked, where it can be one operation.
#[track_caller]
pub(crate) fn attention(
    [q, k, v]: [&Array; 3],
    scale: f32,
    mask: Mask<'_>,
    sinks: Option<&Array>,
) -> Result<Option<Array>> {
    let dtype = q.dtype()?;
    if !fuses()? || !is_float(dtype) || k.dtype()? != dtype || v.dtype()? != dtype {
        return Ok(None);
    }
    let (kind, mask) = match mask {
        Mask::None => (Kind::None, None),
        Mask::Causal => (Kind::Causal, None),
        Mask::Array(mask) => match spread(mask, q, k)? {
            Some(mask) => (Kind::Array, Some(mask)),
            None => return Ok(None),
        },
    };
    if let Some(sinks) = sinks
        && (sinks.shape()? != [q.dim(1)?] || !is_float(sinks.dtype()?))
    {
        return Ok(None);
    }
    let operation = Attention { scale, kind, sinks: sinks.is_some() };
    let inputs = [Some(q), Some(k), Some(v), mask.as_ref(), sinks];
    record(operation, &inputs.into_iter().flatten().collect::<Vec<_>>()).map(|[y]| Some(y))
}

/// The mask broadcast to all scores, if it is one that there is a kernel for.
#[track_caller]
fn spread(mask: &Array, q: &Array, k: &Array) -> Result<Option<Array>> {
    let scores = [q.dim(0)?, q.dim(1)?, q.dim(2)?, k.dim(2)?];
    let shape = mask.shape()?;
    let fits = shape.len() <= 4
        && shape.iter().rev().zip(scores.iter().rev()).all(|(own, all)| own == all || *own == 1);
    let dtype = mask.dtype()?;
    if fits && (dtype == Dtype::Bool || is_float(dtype)) {
        mask.broadcast_to(scores).map(Some)
    } else {
        Ok(None)
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    None,
    Causal,
    Array,
}

#[derive(PartialEq)]
struct Attention {
    scale: f32,
    kind: Kind,
    sinks: bool,
}

impl Attention {
    /// Mask and sinks among the inputs.
    fn extras<'a, T>(&self, inputs: &'a [T]) -> (Option<&'a T>, Option<&'a T>) {
        let mut rest = inputs[3..].iter();
        let mask = if self.kind == Kind::Array { rest.next() } else { None };
        (mask, if self.sinks { rest.next() } else { None })
    }

    fn mask<'a>(&self, mask: Option<&View<'a>>) -> Result<Hidden<'a>> {
        let Some(mask) = mask else {
            return Ok(if self.kind == Kind::Causal { Hidden::Causal } else { Hidden::None });
        };
        let wrong = || Error::invalid("attention", format!("there is no kernel for the mask {mask:?}"));
        let (_, strides) = extents(mask).ok_or_else(wrong)?;
        let strides = strides.try_into().map_err(|_| wrong())?;
        if mask.dtype() == Dtype::Bool {
            return Ok(Hidden::Bool { keep: mask.strided::<u8>()?.elements, strides });
        }
        Ok(Hidden::Additive { values: strided(mask)?.0, strides })
    }
}

impl Fused for Attention {
    const NAME: &'static str = "ScaledDotProductAttention";

    fn output(&self, inputs: &[Spec]) -> Spec {
        let mut shape = inputs[0].shape.clone();
        if let (Some(to), Some(from)) = (shape.last_mut(), inputs[2].shape.last()) {
            *to = *from;
        }
        Spec::new(shape, inputs[0].dtype)
    }

    fn eval(&self, inputs: &[View<'_>], output: &mut ViewMut<'_>) -> Result<()> {
        let (q, k, v) = (Vectors::of(&inputs[0])?, Vectors::of(&inputs[1])?, Vectors::of(&inputs[2])?);
        let ([batch, heads, queries, dim], [_, kv_heads, keys, _]) = (q.shape, k.shape);
        let (mask, sinks) = self.extras(inputs);
        let arguments = Arguments {
            batch,
            heads,
            kv_heads,
            queries,
            keys,
            dim,
            value_dim: v.shape[3],
            q: q.heads(),
            k: k.heads(),
            v: v.heads(),
            scale: self.scale,
            mask: self.mask(mask)?,
            sinks: sinks.map(floats).transpose()?,
        };
        attend(&arguments, floats_mut(output)?);
        Ok(())
    }

    fn compose(&self, inputs: &[Array]) -> Result<Array> {
        let (mask, sinks) = self.extras(inputs);
        let mode = match self.kind {
            Kind::None => "",
            Kind::Causal => "causal",
            Kind::Array => "array",
        };
        let [q, k, v] = [&inputs[0], &inputs[1], &inputs[2]];
        ops::scaled_dot_product_attention(q, k, v, self.scale, mode, mask, sinks, false)
    }
}
