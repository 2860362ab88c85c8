//! The transformer of [Vaswani et al. (2017)](https://arxiv.org/abs/1706.03762).

mod block;
mod decoder;
mod encoder;
mod options;

pub use decoder::{TransformerDecoder, TransformerDecoderLayer};
pub use encoder::{TransformerEncoder, TransformerEncoderLayer};
pub use options::TransformerOptions;

use crate::{Array, Module, Result, fast::Mask, random};

/// An encoder of a source sequence and a decoder of a target sequence that looks at it
/// ([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)).
///
/// Python's has 6 layers each of 512 features and 8 heads: `Transformer::new(6, 6, TransformerOptions::new(512, 8))`.
/// With an encoder or a decoder of your own, call the two one after the other as [`Transformer::forward`] does.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, fast::Mask, ones, random};
/// use mlx::nn::{Transformer, TransformerMasks, TransformerOptions};
/// let model = Transformer::new(1, 2, TransformerOptions::new(16, 2)).init(&random::key(0)?)?;
/// let (source, target) = (ones(&[1, 7, 16], Dtype::F32), ones(&[1, 3, 16], Dtype::F32));
/// let masks = TransformerMasks { target: Mask::Causal, ..Default::default() };
/// assert_eq!(model.forward(&source, &target, masks, None)?.shape()?, [1, 3, 16]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Module)]
pub struct Transformer {
    /// What reads the source.
    pub encoder: TransformerEncoder,
    /// What writes the target.
    pub decoder: TransformerDecoder,
}

/// Who may look where in a [`Transformer`]; by default all positions may look at all.
#[derive(Clone, Copy, Debug)]
pub struct TransformerMasks<'a> {
    /// Positions of the source, at the source.
    #[doc(alias = "src_mask")]
    pub source: Mask<'a>,
    /// Positions of the target, at the target.
    #[doc(alias = "tgt_mask")]
    pub target: Mask<'a>,
    /// Positions of the target, at the source.
    #[doc(alias = "memory_mask")]
    pub memory: Mask<'a>,
}

impl Default for TransformerMasks<'_> {
    fn default() -> Self {
        TransformerMasks { source: Mask::None, target: Mask::None, memory: Mask::None }
    }
}

impl Transformer {
    /// With so many layers in the encoder and in the decoder, all zero.
    #[track_caller]
    pub fn new(encoder_layers: usize, decoder_layers: usize, options: TransformerOptions) -> Transformer {
        Transformer {
            encoder: TransformerEncoder::new(encoder_layers, options),
            decoder: TransformerDecoder::new(decoder_layers, options),
        }
    }

    /// With random weights in all layers.
    #[track_caller]
    pub fn init(self, key: &Array) -> Result<Transformer> {
        let [for_encoder, for_decoder] = random::split(key)?;
        Ok(Transformer {
            encoder: self.encoder.init(&for_encoder)?,
            decoder: self.decoder.init(&for_decoder)?,
        })
    }

    /// `source` `[batch, length, dims]` and `target` `[batch, target length, dims]` to the shape of `target`. In
    /// training, dropout draws from `key`; without dropout or in inference, `None` will do.
    #[track_caller]
    pub fn forward<'a>(
        &self,
        source: &Array,
        target: &Array,
        masks: TransformerMasks<'_>,
        key: impl Into<Option<&'a Array>>,
    ) -> Result<Array> {
        let [for_encoder, for_decoder] = block::keys(key.into())?;
        let memory = self.encoder.forward(source, masks.source, &for_encoder)?;
        self.decoder.forward(target, &memory, masks.target, masks.memory, &for_decoder)
    }
}
