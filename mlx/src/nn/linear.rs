//! `x Wᵀ + b`.

use super::{init, weight::Weight};
use crate::{Array, Dtype, Module, Param, Result, random, zeros};

/// A linear layer, for dense and quantized checkpoints alike.
///
/// [`Module::load`] makes it quantized when `.scales` stands beside `.weight`; models never mention quantization.
#[derive(Clone, Debug, Module)]
pub struct Linear {
    #[module(flatten)]
    pub(super) weight: Weight,
    pub(super) bias: Option<Param>,
    #[module(skip)]
    outputs: i32,
}

impl Linear {
    /// A layer from `inputs` to `outputs` features, all zero, without bias. Sizes that no array can have show when
    /// it is used or loaded.
    #[track_caller]
    pub fn new(inputs: i32, outputs: i32) -> Linear {
        Linear { weight: Weight::new(outputs, inputs), bias: None, outputs }
    }

    /// The layer with a bias, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> Linear {
        let bias = bias.then_some(zeros(&[self.outputs], Dtype::F32).into());
        Linear { bias, ..self }
    }

    /// The layer with a weight and bias drawn uniformly from ±`1 / sqrt(inputs)`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Module, nn::Linear, random};
    /// let layer = Linear::new(16, 4).with_bias(true).init(&random::key(0)?)?;
    /// assert!(layer.parameters()["weight"].abs()?.max(..)?.item::<f32>()? <= 0.25);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Linear> {
        let [for_weight, for_bias] = random::split(key)?;
        let [outputs, inputs] = self.weight.draw_by_columns(&for_weight)?;
        if let Some(bias) = &mut self.bias {
            *bias.value_mut() = init::by_inputs(&[outputs], inputs, &for_bias)?;
        }
        Ok(self)
    }

    /// `x` `[..., inputs]` to `[..., outputs]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, nn::Linear, random};
    /// let layer = Linear::new(3, 2).with_bias(true).init(&random::key(0)?)?;
    /// let x = Array::from_slice(&[1.0f32, 2.0, 3.0], &[1, 3]);
    /// assert_eq!(layer.forward(&x)?.shape()?, [1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let y = self.weight.project(x)?;
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}
