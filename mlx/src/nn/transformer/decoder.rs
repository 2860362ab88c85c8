//! Layers in which a sequence looks at itself and at another.

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

/// Attention of a sequence to itself, attention to another, then two linear layers for each position, each added to
/// what came in.
#[derive(Clone, Debug, Module)]
pub struct TransformerDecoderLayer {
    self_attention: MultiHeadAttention,
    cross_attention: MultiHeadAttention,
    ln1: LayerNorm,
    ln2: LayerNorm,
    ln3: LayerNorm,
    #[module(flatten)]
    mlp: FeedForward,
    dropout: Dropout,
    norm_first: bool,
}

impl TransformerDecoderLayer {
    /// All zero, with normalizations that change nothing but the scale.
    #[track_caller]
    pub fn new(options: TransformerOptions) -> TransformerDecoderLayer {
        TransformerDecoderLayer {
            self_attention: MultiHeadAttention::new(options.dims, options.heads),
            cross_attention: MultiHeadAttention::new(options.dims, options.heads),
            ln1: LayerNorm::new(options.dims),
            ln2: LayerNorm::new(options.dims),
            ln3: LayerNorm::new(options.dims),
            mlp: FeedForward::new(options),
            dropout: Dropout::new(options.dropout),
            norm_first: options.norm_first,
        }
    }

    /// With projections and linear layers drawn as [`Linear::init`](crate::nn::Linear::init) does.
    #[track_caller]
    pub fn init(self, key: &Array) -> Result<TransformerDecoderLayer> {
        let [for_self, for_cross, for_mlp] = random::split(key)?;
        Ok(TransformerDecoderLayer {
            self_attention: self.self_attention.init(&for_self)?,
            cross_attention: self.cross_attention.init(&for_cross)?,
            mlp: self.mlp.init(&for_mlp)?,
            ..self
        })
    }

    /// `x` `[batch, length, dims]`, looking at `memory` `[batch, memory length, dims]`, to the shape of `x`. In
    /// training, dropout draws from `key`; without dropout or in inference, `None` will do.
    #[track_caller]
    pub fn forward<'a>(
        &self,
        x: &Array,
        memory: &Array,
        mask: Mask<'_>,
        memory_mask: Mask<'_>,
        key: impl Into<Option<&'a Array>>,
    ) -> Result<Array> {
        let [for_self, for_cross, for_mlp] = keys(key.into())?;
        let x = residual!(x, self.ln1, self.norm_first, |y| {
            self.dropout.forward(&self.self_attention.forward(&y, &y, &y, mask)?, &for_self)?
        });
        let x = residual!(x, self.ln2, self.norm_first, |y| {
            let y = self.cross_attention.forward(&y, memory, memory, memory_mask)?;
            self.dropout.forward(&y, &for_cross)?
        });
        Ok(residual!(x, self.ln3, self.norm_first, |y| self.mlp.forward(&y, &for_mlp)?))
    }
}

/// [Layers](TransformerDecoderLayer) one after the other, and a normalization.
#[derive(Clone, Debug, Module)]
pub struct TransformerDecoder {
    layers: Vec<TransformerDecoderLayer>,
    ln: LayerNorm,
    checkpoint: bool,
}

impl TransformerDecoder {
    /// Of `count` layers, all zero.
    #[track_caller]
    pub fn new(count: usize, options: TransformerOptions) -> TransformerDecoder {
        TransformerDecoder {
            layers: vec![TransformerDecoderLayer::new(options); count],
            ln: LayerNorm::new(options.dims),
            checkpoint: options.checkpoint,
        }
    }

    /// With random weights in all layers.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<TransformerDecoder> {
        let mut left = Keys::from_key(key);
        for layer in &mut self.layers {
            *layer = layer.clone().init(&left.next_key()?)?;
        }
        Ok(self)
    }

    /// `x` `[batch, length, dims]`, looking at `memory` `[batch, memory length, dims]`, to the shape of `x`. In
    /// training, dropout draws from `key`; without dropout or in inference, `None` will do.
    #[track_caller]
    pub fn forward<'a>(
        &self,
        x: &Array,
        memory: &Array,
        mask: Mask<'_>,
        memory_mask: Mask<'_>,
        key: impl Into<Option<&'a Array>>,
    ) -> Result<Array> {
        let (mut x, mut left) = (x.clone(), key.into().map(Keys::from_key));
        let forgetful = checkpoint(run);
        for layer in &self.layers {
            let key = next_key(&mut left)?;
            x = match self.checkpoint {
                true => {
                    at_caller(forgetful(layer, &(x, memory.clone(), mask.into(), memory_mask.into(), key)))?
                }
                false => layer.forward(&x, memory, mask, memory_mask, &key)?,
            };
        }
        self.ln.forward(&x)
    }
}

type Inputs = (Array, Array, KeptMask, KeptMask, Option<Array>);

/// A layer of all that its result depends on.
fn run(layer: &TransformerDecoderLayer, (x, memory, mask, memory_mask, key): &Inputs) -> Result<Array> {
    layer.forward(x, memory, mask.get(), memory_mask.get(), key)
}
