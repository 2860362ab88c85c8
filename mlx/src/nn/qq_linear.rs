//! Linear layers that compute with few bits on both sides.

use super::{Linear, Quantization, Weight, qqmm};
use crate::{Array, Error, Module, Result};

/// [`Linear`] without a bias, with its input quantized too.
///
/// The weight may be dense: then it is quantized in each call, and learns. [`quantize_layers`](super::quantize_layers)
/// and a quantized checkpoint make it quantized for good, which gives the same results.
///
/// MLX computes it on GPUs. On the CPU it has one vector and a quantized weight, without gradients; the rest is an error.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, nn::{Mode, QqLinear, Quantization, quantize_layers}, ones, random};
/// let quantization = Quantization { group_size: 32, bits: 8, mode: Mode::Mxfp8 };
/// let mut layer = QqLinear::new(64, 32, quantization).init(&random::key(0)?)?;
/// quantize_layers(&mut layer, |_, _| Some(quantization))?;
/// assert_eq!(layer.forward(&ones(&[64], Dtype::F32))?.shape()?, [32]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "nn.QQLinear")]
#[derive(Clone, Debug, Module)]
pub struct QqLinear {
    #[module(flatten)]
    weight: Weight,
    #[module(skip)]
    quantization: Quantization,
}

impl QqLinear {
    /// From `inputs` to `outputs` features, all zero. MLX has it for [`Nvfp4`](super::Mode::Nvfp4) and
    /// [`Mxfp8`](super::Mode::Mxfp8).
    #[track_caller]
    pub fn new(inputs: i32, outputs: i32, quantization: Quantization) -> QqLinear {
        QqLinear { weight: Weight::new(outputs, inputs), quantization }
    }

    /// With the weight of a linear layer that has no bias.
    #[track_caller]
    pub fn from_linear(linear: &Linear, quantization: Quantization) -> Result<QqLinear> {
        match linear.bias {
            None => Ok(QqLinear { weight: linear.weight.clone(), quantization }),
            Some(_) => Err(Error::invalid("QqLinear", "it has no place for the bias of the linear layer")),
        }
    }

    /// With a weight drawn uniformly from ±`1 / sqrt(inputs)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<QqLinear> {
        self.weight.draw_by_columns(key)?;
        Ok(self)
    }

    /// `x` `[..., inputs]` to `[..., outputs]`.
    ///
    /// # Errors
    /// On the CPU for a dense weight or more than one vector.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        match &self.weight {
            Weight::Dense(weight) => qqmm(x, weight, self.quantization),
            Weight::Quantized(weight) => weight.qqmm(x),
        }
    }
}
