//! `x₂ᵀ W x₁ + b`.

use super::{init, merged};
use crate::{Array, Dtype, Error, Module, Param, Result, random, zeros};

/// A layer of two inputs, linear in each.
#[derive(Clone, Debug, Module)]
pub struct Bilinear {
    weight: Param,
    bias: Option<Param>,
}

impl Bilinear {
    /// A layer from `inputs1` and `inputs2` to `outputs` features, all zero, without bias.
    #[track_caller]
    pub fn new(inputs1: i32, inputs2: i32, outputs: i32) -> Bilinear {
        Bilinear { weight: zeros(&[outputs, inputs2, inputs1], Dtype::F32).into(), bias: None }
    }

    /// The layer with a bias, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> Bilinear {
        let outputs = self.weight.dim(0).map(|outputs| zeros(&[outputs], Dtype::F32));
        let bias = bias.then_some(Array::from_result(outputs).into());
        Bilinear { bias, ..self }
    }

    /// The layer with a weight and bias drawn uniformly from ±`1 / sqrt(inputs1)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Bilinear> {
        let [outputs, inputs2, inputs1] = self.weight.dims()?;
        let [for_weight, for_bias] = random::split(key)?;
        *self.weight.value_mut() = init::by_inputs(&[outputs, inputs2, inputs1], inputs1, &for_weight)?;
        if let Some(bias) = &mut self.bias {
            *bias.value_mut() = init::by_inputs(&[outputs], inputs1, &for_bias)?;
        }
        Ok(self)
    }

    /// `x1` `[..., inputs1]` and `x2` `[..., inputs2]` to `[..., outputs]`.
    #[track_caller]
    pub fn forward(&self, x1: &Array, x2: &Array) -> Result<Array> {
        let [outputs, inputs2, inputs1] = self.weight.dims()?;
        let (shape1, shape2) = (x1.shape()?, x2.shape()?);
        let lead = match (shape1, shape2) {
            ([lead1 @ .., last1], [lead2 @ .., last2])
                if lead1 == lead2 && (*last1, *last2) == (inputs1, inputs2) =>
            {
                lead1
            }
            _ => {
                let text = format!(
                    "expected the shapes [..., {inputs1}] and [..., {inputs2}], got {shape1:?} and {shape2:?}"
                );
                return Err(Error::invalid("Bilinear", text));
            }
        };
        let count = merged("Bilinear", lead)?;
        let matrix = self.weight.reshape([merged("Bilinear", &[outputs, inputs2])?, inputs1])?;
        let forms = x1.reshape([count, inputs1])?.matmul(&matrix.t()?)?.reshape([count, outputs, inputs2])?;
        let y = forms.matmul(&x2.reshape([count, inputs2, 1])?)?.reshape([lead, &[outputs]].concat())?;
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}
