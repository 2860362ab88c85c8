//! What the parts of a transformer have in common.

use crate::nn::Activation;

/// How the layers of a transformer are made: `TransformerOptions::new(512, 8).dropout(0.1)`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TransformerOptions {
    pub(super) dims: i32,
    pub(super) heads: i32,
    pub(super) mlp_dims: Option<i32>,
    pub(super) dropout: f32,
    pub(super) activation: Activation,
    pub(super) norm_first: bool,
    pub(super) checkpoint: bool,
}

impl TransformerOptions {
    /// Of `dims` features and `heads` heads, without dropout.
    pub fn new(dims: i32, heads: i32) -> TransformerOptions {
        TransformerOptions {
            dims,
            heads,
            mlp_dims: None,
            dropout: 0.0,
            activation: Activation::Relu,
            norm_first: true,
            checkpoint: false,
        }
    }

    /// The features between the two linear layers of each position; four times `dims`.
    pub fn mlp_dims(self, mlp_dims: i32) -> TransformerOptions {
        TransformerOptions { mlp_dims: Some(mlp_dims), ..self }
    }

    /// The probability of zeroing after each attention and after each activation, in training; 0.
    pub fn dropout(self, p: f32) -> TransformerOptions {
        TransformerOptions { dropout: p, ..self }
    }

    /// What stands between the linear layers; [`Activation::Relu`].
    pub fn activation(self, activation: Activation) -> TransformerOptions {
        TransformerOptions { activation, ..self }
    }

    /// Whether each attention and each pair of linear layers begins with its normalization, the default, or ends with
    /// it as in the paper.
    pub fn norm_first(self, norm_first: bool) -> TransformerOptions {
        TransformerOptions { norm_first, ..self }
    }

    /// Whether an encoder and a decoder keep of each layer no more than the input and compute the rest again for the
    /// gradient, or not, the default.
    pub fn checkpoint(self, checkpoint: bool) -> TransformerOptions {
        TransformerOptions { checkpoint, ..self }
    }

    pub(super) fn hidden(&self) -> i32 {
        self.mlp_dims.unwrap_or_else(|| self.dims.saturating_mul(4))
    }
}
