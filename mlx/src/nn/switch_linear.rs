//! Linear layers of which each position takes its own.

use super::weight::Weight;
use crate::{Array, Dtype, Module, Param, Result, ops::Gather, zeros};

/// A stack of linear layers, such as those of a mixture of experts, for dense and quantized checkpoints alike.
#[derive(Clone, Debug, Module)]
pub struct SwitchLinear {
    #[module(flatten)]
    weight: Weight,
    bias: Option<Param>,
    #[module(skip)]
    count: i32,
    #[module(skip)]
    outputs: i32,
}

impl SwitchLinear {
    /// `count` layers from `inputs` to `outputs` features, all zero, without bias.
    #[track_caller]
    pub fn new(inputs: i32, outputs: i32, count: i32) -> SwitchLinear {
        SwitchLinear { weight: Weight::stacked(count, outputs, inputs), bias: None, count, outputs }
    }

    /// The layers with biases, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> SwitchLinear {
        let bias = bias.then_some(zeros(&[self.count, self.outputs], Dtype::F32).into());
        SwitchLinear { bias, ..self }
    }

    /// `x` `[batch..., rows, inputs]` through the layers at `indices`, whose shape broadcasts with the batch:
    /// `[batch..., rows, outputs]`. `sorted` promises that the indices ascend, which can be faster.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, nn::SwitchLinear, ones};
    /// let experts = SwitchLinear::new(8, 3, 4);
    /// let choice = Array::from_slice(&[3u32, 0, 1, 1], &[2, 2]); // two experts for each of two positions
    /// assert_eq!(experts.forward(&ones(&[2, 1, 1, 8], Dtype::F32), &choice, false)?.shape()?, [2, 2, 1, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn forward(&self, x: &Array, indices: &Array, sorted: bool) -> Result<Array> {
        let gather = Gather::new().rhs(indices);
        let y = self.weight.gather_project(x, if sorted { gather.sorted() } else { gather })?;
        match &self.bias {
            Some(bias) => y.add(bias.take(indices, 0)?.expand_dims(-2)?),
            None => Ok(y),
        }
    }
}
