//! Layers in which a sequence looks at itself.

use super::{
    TransformerOptions,
    block::{FeedForward, KeptMask, keys, next_key, residual},
};
use crate::{
    Array, Module, Result,
    error::at_caller,
    fast::Mask,
    nn::{Dropout, LayerNorm, MultiHeadAttention, checkpoint},
    random::{self, Keys},
};

/// Attention of a sequence to itself, then two linear layers for each position, each added to what came in.
#[derive(Clone, Debug, Module)]
pub struct TransformerEncoderLayer {
    attention: MultiHeadAttention,
    ln1: LayerNorm,
    ln2: LayerNorm,
    #[module(flatten)]
    mlp: FeedForward,
    dropout: Dropout,
    norm_first: bool,
}

impl TransformerEncoderLayer {
    /// All zero, with normalizations that change nothing but the scale.
    #[track_caller]
    pub fn new(options: TransformerOptions) -> TransformerEncoderLayer {
        TransformerEncoderLayer {
            attention: MultiHeadAttention::new(options.dims, options.heads),
            ln1: LayerNorm::new(options.dims),
            ln2: LayerNorm::new(options.dims),
            mlp: FeedForward::new(options),
            dropout: Dropout::new(options.dropout),
            norm_first: options.norm_first,
        }
    }

    /// With projections and linear layers drawn as [`Linear::init`](crate::nn::Linear::init) does.
    #[track_caller]
    pub fn init(self, key: &Array) -> Result<TransformerEncoderLayer> {
        let [for_attention, for_mlp] = random::split(key)?;
        let attention = self.attention.init(&for_attention)?;
        Ok(TransformerEncoderLayer { attention, mlp: self.mlp.init(&for_mlp)?, ..self })
    }

    /// `x` `[batch, length, dims]` to the same shape. In training, dropout draws from `key`; without dropout or in
    /// inference, `None` will do.
    #[track_caller]
    pub fn forward<'a>(&self, x: &Array, mask: Mask<'_>, key: impl Into<Option<&'a Array>>) -> Result<Array> {
        let [for_attention, for_mlp] = keys(key.into())?;
        let x = residual!(x, self.ln1, self.norm_first, |y| {
            self.dropout.forward(&self.attention.forward(&y, &y, &y, mask)?, &for_attention)?
        });
        Ok(residual!(x, self.ln2, self.norm_first, |y| self.mlp.forward(&y, &for_mlp)?))
    }
}

/// [Layers](TransformerEncoderLayer) one after the other, and a normalization.
#[derive(Clone, Debug, Module)]
pub struct TransformerEncoder {
    layers: Vec<TransformerEncoderLayer>,
    ln: LayerNorm,
    checkpoint: bool,
}

impl TransformerEncoder {
    /// Of `count` layers, all zero.
    #[track_caller]
    pub fn new(count: usize, options: TransformerOptions) -> TransformerEncoder {
        TransformerEncoder {
            layers: vec![TransformerEncoderLayer::new(options); count],
            ln: LayerNorm::new(options.dims),
            checkpoint: options.checkpoint,
        }
    }

    /// With random weights in all layers.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<TransformerEncoder> {
        let mut left = Keys::from_key(key);
        for layer in &mut self.layers {
            *layer = layer.clone().init(&left.next_key()?)?;
        }
        Ok(self)
    }

    /// `x` `[batch, length, dims]` to the same shape. In training, dropout draws from `key`; without dropout or in
    /// inference, `None` will do.
    #[track_caller]
    pub fn forward<'a>(&self, x: &Array, mask: Mask<'_>, key: impl Into<Option<&'a Array>>) -> Result<Array> {
        let (mut x, mut left) = (x.clone(), key.into().map(Keys::from_key));
        let forgetful = checkpoint(run);
        for layer in &self.layers {
            let key = next_key(&mut left)?;
            x = match self.checkpoint {
                true => at_caller(forgetful(layer, &(x, mask.into(), key)))?,
                false => layer.forward(&x, mask, &key)?,
            };
        }
        self.ln.forward(&x)
    }
}

/// A layer of all that its result depends on.
fn run(layer: &TransformerEncoderLayer, (x, mask, key): &(Array, KeptMask, Option<Array>)) -> Result<Array> {
    layer.forward(x, mask.get(), key)
}
