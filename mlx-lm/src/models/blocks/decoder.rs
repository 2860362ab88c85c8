//! The frame of a decoder: embedding, layers, norm and head.

use super::{Block, DecoderConfig, FeedForward, Mixer, Norm, PreNormLayer};
use crate::{Cache, LayerCache, models::LanguageModel};
use mlx::{
    Array, Module, Result,
    fast::Mask,
    nn::{Embedding, Linear, RmsNorm},
};

/// Embedding, layers, final norm and a head, which may be the embedding again.
#[derive(Debug, Module)]
pub struct CausalLm<B, N = RmsNorm> {
    model: Decoder<B, N>,
    lm_head: Option<Linear>,
    #[module(skip)]
    windows: Vec<Option<i32>>,
    #[module(skip)]
    embedding_scale: Option<f32>,
    #[module(skip)]
    logits: Logits,
    #[module(skip)]
    is_uniform: bool,
}

#[derive(Debug, Module)]
struct Decoder<B, N> {
    embed_tokens: Embedding,
    layers: Vec<B>,
    norm: N,
}

/// A decoder whose layers have different feed-forward layers: some a mixture of experts, some not.
pub type MoeLm = CausalLm<PreNormLayer<Box<dyn FeedForward>>>;

/// A decoder of which some layers attend and others have a recurrence.
pub type HybridLm = CausalLm<PreNormLayer<Box<dyn FeedForward>, Box<dyn Mixer>>>;

/// What becomes of the head's output.
#[derive(Clone, Copy, Debug, Default)]
pub enum Logits {
    /// Nothing.
    #[default]
    Plain,
    /// It is multiplied.
    Scaled(f32),
    /// It is kept within `±cap` by `cap · tanh(x / cap)` ([Gemma 2](https://arxiv.org/abs/2408.00118)).
    Capped(f32),
}

impl Logits {
    /// Kept within `±cap`, if there is one.
    pub fn capped(cap: Option<f32>) -> Logits {
        cap.map_or(Logits::Plain, Logits::Capped)
    }

    /// What becomes of the head's output `x`.
    pub fn of(self, x: Array) -> Result<Array> {
        match self {
            Logits::Plain => Ok(x),
            Logits::Scaled(scale) => x.multiply(scale),
            Logits::Capped(cap) => soft_cap(&x, cap),
        }
    }
}

impl<B: Block, N: Norm> CausalLm<B, N> {
    /// A decoder of the layers that `layer` makes, each given its index.
    ///
    /// # Errors
    /// Those of `layer`, and kinds of layers in `c` that are unknown.
    pub fn new(
        c: &DecoderConfig,
        norm: N,
        layer: impl FnMut(usize) -> crate::Result<B>,
    ) -> crate::Result<CausalLm<B, N>> {
        let embed_tokens = Embedding::new(c.vocab_size, c.hidden_size);
        let layers = (0..c.num_hidden_layers).map(layer).collect::<crate::Result<_>>()?;
        Ok(CausalLm {
            model: Decoder { embed_tokens, layers, norm },
            lm_head: (!c.tie_word_embeddings).then(|| Linear::new(c.hidden_size, c.vocab_size)),
            windows: c.windows()?,
            embedding_scale: None,
            logits: Logits::Plain,
            is_uniform: c.is_uniform(),
        })
    }

    /// With embeddings multiplied by `scale`.
    pub fn with_embedding_scale(self, scale: f32) -> Self {
        CausalLm { embedding_scale: Some(scale), ..self }
    }

    /// With a head that has a bias, or not.
    pub fn with_head_bias(self, bias: bool) -> Self {
        CausalLm { lm_head: self.lm_head.map(|head| head.with_bias(bias)), ..self }
    }

    /// With `logits` made of the head's output.
    pub fn with_logits(self, logits: Logits) -> Self {
        CausalLm { logits, ..self }
    }

    /// What the layers make of `embeddings`.
    fn decode(&self, embeddings: &Array, cache: &mut Cache) -> Result<Array> {
        let mut h = match self.embedding_scale {
            Some(scale) => embeddings.multiply(scale)?,
            None => embeddings.clone(),
        };
        let mask = Mask::causal(h.dim(1)?);
        for (layer, cache) in self.model.layers.iter().zip(cache.layers_mut()) {
            h = layer.forward(&h, mask, cache)?;
        }
        self.model.norm.forward(&h)
    }
}

impl<B: Block, N: Norm> LanguageModel for CausalLm<B, N> {
    fn features(&self, tokens: &Array, cache: &mut Cache) -> Result<Array> {
        self.decode(&self.model.embed_tokens.forward(tokens)?, cache)
    }

    fn head(&self, features: &Array) -> Result<Array> {
        let logits = match &self.lm_head {
            Some(head) => head.forward(features)?,
            None => self.model.embed_tokens.as_linear(features)?,
        };
        self.logits.of(logits)
    }

    fn forward_embeddings(&self, embeddings: &Array, cache: &mut Cache) -> Result<Array> {
        self.head(&self.decode(embeddings, cache)?)
    }

    fn is_uniform(&self) -> bool {
        self.is_uniform
    }

    fn new_cache(&self) -> Cache {
        let windows = self.windows.iter().copied();
        let layer = |(layer, window): (&B, Option<i32>)| match window {
            Some(size) => LayerCache::window(size),
            None => layer.new_cache(),
        };
        Cache::new(self.model.layers.iter().zip(windows).map(layer).collect())
    }
}

/// `cap · tanh(x / cap)`.
pub fn soft_cap(x: &Array, cap: f32) -> Result<Array> {
    (x / cap).tanh()?.multiply(cap)
}
