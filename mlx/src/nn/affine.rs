//! The learned scale and shift that end a normalization.

use crate::{Array, Dtype, Module, Param, Result, ones, zeros};

/// `weight · x + bias`, both per feature.
#[derive(Clone, Debug, Module)]
pub(super) struct Affine {
    weight: Param,
    bias: Param,
}

impl Affine {
    /// Ones and zeros: what comes in goes out.
    #[track_caller]
    pub(super) fn new(features: i32) -> Affine {
        let shape = [features];
        Affine { weight: ones(&shape, Dtype::F32).into(), bias: zeros(&shape, Dtype::F32).into() }
    }

    /// `x` scaled and shifted, if there is a scale and a shift.
    #[track_caller]
    pub(super) fn apply(affine: &Option<Affine>, x: Array) -> Result<Array> {
        match affine {
            Some(Affine { weight, bias }) => weight.multiply(x)?.add(bias.value()),
            None => Ok(x),
        }
    }
}
