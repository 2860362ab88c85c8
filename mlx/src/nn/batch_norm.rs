//! Normalization of each feature over the whole batch.

use super::affine::Affine;
use crate::{Array, Dtype, Error, Module, Result, Training, ones, zeros};
use std::cell::RefCell;

/// [`LayerNorm`](super::LayerNorm)'s formula per feature, with mean and variance over the batch and its positions
/// ([Ioffe and Szegedy, 2015](https://arxiv.org/abs/1502.03167)).
///
/// In training it normalizes by the batch and lets a running mean and variance follow; in inference it normalizes by
/// these. They are saved and loaded as `running_mean` and `running_var`, but not learned. They are lazy like any
/// array: evaluate them with each step, or they keep the graphs of all steps.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Module, nn::BatchNorm};
/// let x = Array::from_slice(&[1.0f32, 3.0], &[2, 1]);
/// let mut norm = BatchNorm::new(1);
/// norm.forward(&x)?;
/// assert!((norm.parameters()["running_mean"].item::<f32>()? - 0.2).abs() < 1e-6); // a tenth of the way to 2
/// norm.set_training(false);
/// assert_eq!(norm.forward(&x)?.shape()?, [2, 1]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Module)]
pub struct BatchNorm {
    #[module(flatten)]
    affine: Option<Affine>,
    #[module(flatten)]
    running: Option<Running>,
    features: i32,
    eps: f32,
    momentum: f32,
    training: Training,
}

#[derive(Clone, Debug, Module)]
struct Running {
    running_mean: RefCell<Array>,
    running_var: RefCell<Array>,
}

impl Running {
    #[track_caller]
    fn new(features: i32) -> Running {
        let (mean, var) = (zeros(&[features], Dtype::F32), ones(&[features], Dtype::F32));
        Running { running_mean: RefCell::new(mean), running_var: RefCell::new(var) }
    }

    /// Moves towards the statistics of a batch.
    #[track_caller]
    fn follow(&self, mean: &Array, var: &Array, momentum: f32) -> Result<()> {
        let towards = |old: &RefCell<Array>, new: &Array| {
            let kept = old.borrow().multiply(1.0 - momentum)?;
            kept.add(new * momentum)
        };
        let (mean, var) = (towards(&self.running_mean, mean)?, towards(&self.running_var, var)?);
        self.running_mean.replace(mean);
        self.running_var.replace(var);
        Ok(())
    }
}

impl BatchNorm {
    /// For `features` features, with a weight of ones, a bias of zeros, an eps of 1e-5, a momentum of 0.1 and running
    /// statistics that start from mean 0 and variance 1.
    #[track_caller]
    pub fn new(features: i32) -> BatchNorm {
        let (affine, running) = (Some(Affine::new(features)), Some(Running::new(features)));
        BatchNorm { affine, running, features, eps: 1e-5, momentum: 0.1, training: Training::default() }
    }

    /// With another eps.
    pub fn with_eps(self, eps: f32) -> BatchNorm {
        BatchNorm { eps, ..self }
    }

    /// With another share of each batch in the running statistics.
    pub fn with_momentum(self, momentum: f32) -> BatchNorm {
        BatchNorm { momentum, ..self }
    }

    /// With weight and bias, or without.
    #[track_caller]
    pub fn with_affine(self, affine: bool) -> BatchNorm {
        BatchNorm { affine: affine.then_some(Affine::new(self.features)), ..self }
    }

    /// With running statistics, or without: then inference too normalizes by the batch.
    #[doc(alias = "track_running_stats")]
    #[track_caller]
    pub fn with_running_stats(self, running: bool) -> BatchNorm {
        BatchNorm { running: running.then_some(Running::new(self.features)), ..self }
    }

    /// The normalized `x` `[batch, features]`, `[batch, length, features]` or `[batch, height, width, features]`.
    /// Training needs more than one value per feature.
    #[track_caller]
    pub fn forward(&self, x: &Array) -> Result<Array> {
        let shape = x.shape()?;
        let lead = match shape {
            [lead @ .., features] if *features == self.features && (1..=3).contains(&lead.len()) => lead,
            _ => {
                let text = format!(
                    "the shape is {shape:?}, not [batch, {0}] with one or two axes between or none",
                    self.features
                );
                return Err(Error::invalid("BatchNorm", text));
            }
        };
        if self.training.is_on() && lead.iter().all(|&extent| extent == 1) {
            let text = format!("the shape {shape:?} has one value per feature: nothing to train from");
            return Err(Error::invalid("BatchNorm", text));
        }
        let all: Vec<i32> = (0..lead.len() as i32).collect();
        let (mean, var) = match &self.running {
            Some(running) if !self.training.is_on() => {
                (running.running_mean.borrow().clone(), running.running_var.borrow().clone())
            }
            running => {
                let mean = x.mean(all.as_slice())?;
                if let Some(running) = running {
                    running.follow(&mean, &x.var(all.as_slice(), 1)?, self.momentum)?;
                }
                (mean, x.var(all.as_slice(), 0)?)
            }
        };
        let normalized = (x - mean).multiply((var + self.eps).rsqrt()?)?;
        Affine::apply(&self.affine, normalized)
    }
}
