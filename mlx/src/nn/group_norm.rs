//! Normalization of each sample over its positions, by groups of features.

use super::{affine::Affine, merged};
use crate::{Array, Error, Module, Result, axes, fast};

/// [`LayerNorm`](super::LayerNorm)'s formula with mean and variance over all positions of a sample and a group of its
/// features ([Wu and He, 2018](https://arxiv.org/abs/1803.08494)).
#[derive(Clone, Debug, Module)]
pub struct GroupNorm {
    #[module(flatten)]
    affine: Option<Affine>,
    groups: i32,
    dims: i32,
    eps: f32,
    pytorch_compatible: bool,
}

impl GroupNorm {
    /// `dims` features in `groups` of equal size, with a weight of ones, a bias of zeros and an eps of 1e-5.
    #[track_caller]
    pub fn new(groups: i32, dims: i32) -> GroupNorm {
        GroupNorm { affine: Some(Affine::new(dims)), groups, dims, eps: 1e-5, pytorch_compatible: false }
    }

    /// With another eps.
    pub fn with_eps(self, eps: f32) -> GroupNorm {
        GroupNorm { eps, ..self }
    }

    /// With weight and bias, or without.
    #[track_caller]
    pub fn with_affine(self, affine: bool) -> GroupNorm {
        GroupNorm { affine: affine.then_some(Affine::new(self.dims)), ..self }
    }

    /// With PyTorch's groups, of neighbouring features. By default a group has every `groups`-th feature.
    pub fn with_pytorch_compatible(self, pytorch_compatible: bool) -> GroupNorm {
        GroupNorm { pytorch_compatible, ..self }
    }

    /// The normalized `x` `[batch, ..., dims]`.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let GroupNorm { groups, dims, eps, .. } = *self;
        if groups < 1 || dims % groups != 0 {
            let text = format!("{dims} features do not divide into {groups} groups");
            return Err(Error::invalid("GroupNorm", text));
        }
        let (batch, positions) = match x.shape()? {
            [batch, positions @ .., features] if *features == dims => {
                (*batch, merged("GroupNorm", positions)?)
            }
            shape => {
                let text = format!("the shape is {shape:?}, not [batch, ..., {dims}]");
                return Err(Error::invalid("GroupNorm", text));
            }
        };
        let normalized = if self.pytorch_compatible {
            neighbours(x, [batch, positions, groups, dims / groups], eps)?
        } else {
            let x = x.reshape([batch, merged("GroupNorm", &[positions, dims / groups])?, groups])?;
            let scale = (x.var(axes(1).keep(), 0)? + eps).rsqrt()?;
            (&x - x.mean(axes(1).keep())?).multiply(scale)?
        };
        Affine::apply(&self.affine, normalized.reshape(x.shape()?)?)
    }
}

/// `x`, seen as `[batch, positions, groups, size]`, normalized over positions and size.
#[track_caller]
fn neighbours(x: &Array, shape: [i32; 4], eps: f32) -> Result<Array> {
    let [batch, positions, groups, size] = shape;
    let grouped = x.reshape(shape)?.swapaxes(1, 2)?;
    let lines = grouped.reshape([batch, groups, merged("GroupNorm", &[positions, size])?])?;
    let normalized = fast::layer_norm(&lines, None, None, eps)?;
    normalized.reshape([batch, groups, positions, size])?.swapaxes(1, 2)
}

/// [`GroupNorm`] with a group for each feature ([Ulyanov et al., 2016](https://arxiv.org/abs/1607.08022)).
#[derive(Clone, Debug, Module)]
pub struct InstanceNorm {
    #[module(flatten)]
    affine: Option<Affine>,
    dims: i32,
    eps: f32,
}

impl InstanceNorm {
    /// For `dims` features, without weight and bias, with an eps of 1e-5.
    pub fn new(dims: i32) -> InstanceNorm {
        InstanceNorm { affine: None, dims, eps: 1e-5 }
    }

    /// With another eps.
    pub fn with_eps(self, eps: f32) -> InstanceNorm {
        InstanceNorm { eps, ..self }
    }

    /// With weight and bias, or without.
    #[track_caller]
    pub fn with_affine(self, affine: bool) -> InstanceNorm {
        InstanceNorm { affine: affine.then_some(Affine::new(self.dims)), ..self }
    }

    /// The normalized `x` `[batch, ..., dims]`, of one position axis or more.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let shape = match x.shape()? {
            [batch, positions @ .., features] if *features == self.dims && !positions.is_empty() => {
                [*batch, merged("InstanceNorm", positions)?, *features, 1]
            }
            shape => {
                let text = format!("the shape is {shape:?}, not [batch, positions ..., {}]", self.dims);
                return Err(Error::invalid("InstanceNorm", text));
            }
        };
        Affine::apply(&self.affine, neighbours(x, shape, self.eps)?.reshape(x.shape()?)?)
    }
}
