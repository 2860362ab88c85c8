//! Convolutions along a sequence.

use crate::State;
use mlx::{Array, Dtype, Loader, Module, Param, Rest, Result, concatenate, zeros};

/// A convolution of each channel by itself, over a position and the few before it, which the cache holds.
#[derive(Debug, Module)]
pub struct CausalConv {
    /// `[channels, window, 1]`.
    weight: Param,
    bias: Option<Param>,
    #[module(skip)]
    channels: i32,
    #[module(skip)]
    window: i32,
}

impl CausalConv {
    /// For `channels` channels, over `window` positions.
    pub fn new(channels: i32, window: i32, bias: bool) -> CausalConv {
        CausalConv {
            weight: zeros(&[channels, window, 1], Dtype::F32).into(),
            bias: bias.then(|| zeros(&[channels], Dtype::F32).into()),
            channels,
            window,
        }
    }

    /// `x` `[batch, length, channels]` to the same shape. The array `tail` of `state` has the last positions before.
    pub fn forward(&self, x: &Array, state: &mut State, tail: usize) -> Result<Array> {
        let (before, length) = (self.window - 1, x.dim(1)?);
        let past = state.get_or_zeros(tail, &[x.dim(0)?, before, self.channels], x.dtype()?);
        let seen = concatenate(&[&past, x], 1)?;
        // A copy, or else the tail would keep the memory of the whole sequence.
        state.set(tail, seen.at((.., length..))?.contiguous()?);
        // A few products are faster than MLX's convolution in groups of one.
        let weight = self.weight.squeeze(-1)?;
        let mut y = seen.at((.., ..length))?.multiply(weight.at((Rest, 0))?)?;
        for i in 1..self.window {
            y += seen.at((.., i..i + length))? * weight.at((Rest, i))?;
        }
        match &self.bias {
            Some(bias) => y.add(bias.value()),
            None => Ok(y),
        }
    }
}

/// Gives the weights of convolutions MLX's order of axes where they have PyTorch's, `[channels, 1, window]`; tells
/// whether there were any.
pub fn orient_convolutions(weights: &Loader) -> Result<bool> {
    let mut found = false;
    weights.edit(|tensors| {
        let is_convolution =
            |path: &str| ["conv1d.weight", "conv.weight"].iter().any(|name| path.ends_with(name));
        for (_, weight) in tensors.iter_mut().filter(|(path, _)| is_convolution(path)) {
            if matches!(weight.shape()?, [_, 1, window] if *window > 1) {
                *weight = weight.swapaxes(-1, -2)?;
                found = true;
            }
        }
        Ok(())
    })?;
    Ok(found)
}
