//! The frame of a decoder: embedding, blocks, norm and head.

use crate::{
    Cache,
    cache::{LayerCache, window_mask},
    models::LanguageModel,
};
use mlx::{
    Array, Module, Result,
    fast::Mask,
    nn::{Embedding, Linear, RmsNorm},
};

/// One decoder layer.
pub trait Block: Module {
    /// `x` `[batch, length, dims]` to the same shape.
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array>;

    /// How many of the last tokens the layer attends to; `None` for all.
    fn window(&self) -> Option<i32> {
        None
    }

    /// An empty cache for the layer.
    fn new_cache(&self) -> LayerCache {
        LayerCache::full()
    }
}

/// Embedding, blocks, final norm and a head, which may be the embedding again.
#[derive(Debug, Module)]
pub struct CausalLm<B> {
    model: Decoder<B>,
    lm_head: Option<Linear>,
}

#[derive(Debug, Module)]
struct Decoder<B> {
    embed_tokens: Embedding,
    layers: Vec<B>,
    norm: RmsNorm,
}

impl<B: Block> CausalLm<B> {
    /// A model of `vocabulary` tokens and `dims` features; `tied` uses the embedding as head.
    pub fn new(vocabulary: i32, dims: i32, norm: RmsNorm, tied: bool, layers: Vec<B>) -> CausalLm<B> {
        CausalLm {
            model: Decoder { embed_tokens: Embedding::new(vocabulary, dims), layers, norm },
            lm_head: (!tied).then(|| Linear::new(dims, vocabulary)),
        }
    }
}

impl<B: Block> LanguageModel for CausalLm<B> {
    fn forward(&self, tokens: &Array, cache: &mut Cache) -> Result<Array> {
        let mut h = self.model.embed_tokens.forward(tokens)?;
        let (queries, offset) = (tokens.dim(1)?, cache.offset());
        // Layers of a model share one window; build its mask once.
        let window = self.model.layers.iter().find_map(Block::window);
        let windowed = window.map(|window| window_mask(queries, offset, window)).transpose()?.flatten();
        for (layer, cache) in self.model.layers.iter().zip(cache.layers_mut()) {
            let mask = match (layer.window(), &windowed) {
                (Some(_), Some(mask)) => Mask::Array(mask),
                _ => Mask::causal(queries),
            };
            h = layer.forward(&h, mask, cache)?;
        }
        let h = self.model.norm.forward(&h)?;
        match &self.lm_head {
            Some(head) => head.forward(&h),
            None => self.model.embed_tokens.as_linear(&h),
        }
    }

    fn new_cache(&self) -> Cache {
        Cache::new(self.model.layers.iter().map(Block::new_cache).collect())
    }
}
