//! Decoder layers, which differ in where their norms stand.

use super::{Attention, FeedForward, Mixer, Norm};
use crate::cache::LayerCache;
use mlx::{Array, Module, Result, fast::Mask, nn::RmsNorm};

/// One decoder layer.
pub trait Block: Module {
    /// `x` `[batch, length, dims]` to the same shape.
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array>;

    /// An empty cache for the layer.
    fn new_cache(&self) -> LayerCache {
        LayerCache::full()
    }
}

impl<B: Block + ?Sized> Block for Box<B> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        (**self).forward(x, mask, cache)
    }

    fn new_cache(&self) -> LayerCache {
        (**self).new_cache()
    }
}

/// Attention, then a feed-forward layer, each behind a norm and added to the stream.
#[derive(Debug, Module)]
pub struct PreNormLayer<M, A = Attention, N = RmsNorm> {
    self_attn: A,
    mlp: M,
    input_layernorm: N,
    post_attention_layernorm: N,
    /// Multiplies what is added.
    residual_scale: Option<f32>,
}

impl<M: FeedForward, A: Mixer, N: Norm> PreNormLayer<M, A, N> {
    /// A layer with a norm before attention and one before the feed-forward layer.
    pub fn new(self_attn: A, mlp: M, norm: impl Fn() -> N) -> Self {
        let (input_layernorm, post_attention_layernorm) = (norm(), norm());
        PreNormLayer { self_attn, mlp, input_layernorm, post_attention_layernorm, residual_scale: None }
    }

    /// With what is added to the stream multiplied by `scale`.
    pub fn with_residual_scale(self, scale: f32) -> Self {
        PreNormLayer { residual_scale: Some(scale), ..self }
    }

    fn add(&self, x: &Array, y: &Array) -> Result<Array> {
        match self.residual_scale {
            Some(scale) => x.add(&(y * scale)),
            None => x.add(y),
        }
    }
}

impl<M: FeedForward, A: Mixer, N: Norm> Block for PreNormLayer<M, A, N> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let h = self.add(x, &self.self_attn.forward(&self.input_layernorm.forward(x)?, mask, cache)?)?;
        self.add(&h, &self.mlp.forward(&self.post_attention_layernorm.forward(&h)?)?)
    }

    fn new_cache(&self) -> LayerCache {
        self.self_attn.new_cache()
    }
}

/// One thing behind a norm, added to the stream: layers of models that do not pair attention with a feed-forward layer.
#[derive(Debug, Module)]
pub struct SingleLayer<A> {
    norm: RmsNorm,
    mixer: A,
}

impl<A: Mixer> SingleLayer<A> {
    /// `mixer` behind `norm`.
    pub fn new(norm: RmsNorm, mixer: A) -> SingleLayer<A> {
        SingleLayer { norm, mixer }
    }
}

impl<A: Mixer> Block for SingleLayer<A> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        x.add(&self.mixer.forward(&self.norm.forward(x)?, mask, cache)?)
    }

    fn new_cache(&self) -> LayerCache {
        self.mixer.new_cache()
    }
}

/// A feed-forward layer where there could be attention.
#[derive(Debug, Module)]
pub struct Unmixed<M> {
    #[module(flatten)]
    mlp: M,
}

impl<M: FeedForward> Unmixed<M> {
    /// `mlp`, which sees each position by itself.
    pub fn new(mlp: M) -> Unmixed<M> {
        Unmixed { mlp }
    }
}

impl<M: FeedForward> Mixer for Unmixed<M> {
    fn forward(&self, x: &Array, _: Mask<'_>, _: &mut LayerCache) -> Result<Array> {
        self.mlp.forward(x)
    }

    fn new_cache(&self) -> LayerCache {
        LayerCache::Nothing
    }
}

/// Attention, then a feed-forward layer, each normalized after it and then added to the stream.
#[derive(Debug, Module)]
pub struct PostNormLayer<M> {
    self_attn: Attention,
    mlp: M,
    post_attention_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
}

impl<M: FeedForward> PostNormLayer<M> {
    /// A layer with a norm behind attention and one behind the feed-forward layer.
    pub fn new(self_attn: Attention, mlp: M, norm: impl Fn() -> RmsNorm) -> Self {
        let (post_attention_layernorm, post_feedforward_layernorm) = (norm(), norm());
        PostNormLayer { self_attn, mlp, post_attention_layernorm, post_feedforward_layernorm }
    }
}

impl<M: FeedForward> Block for PostNormLayer<M> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let h = x + self.post_attention_layernorm.forward(&self.self_attn.forward(x, mask, cache)?)?;
        let mlp = self.post_feedforward_layernorm.forward(&self.mlp.forward(&h)?)?;
        h.add(mlp)
    }
}

/// Attention, then a feed-forward layer, each between two norms.
#[derive(Debug, Module)]
pub struct SandwichLayer<M, A = Attention> {
    self_attn: A,
    mlp: M,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    pre_feedforward_layernorm: RmsNorm,
    post_feedforward_layernorm: RmsNorm,
}

impl<M: FeedForward, A: Mixer> SandwichLayer<M, A> {
    /// A layer with four norms.
    pub fn new(self_attn: A, mlp: M, norm: impl Fn() -> RmsNorm) -> Self {
        SandwichLayer {
            self_attn,
            mlp,
            input_layernorm: norm(),
            post_attention_layernorm: norm(),
            pre_feedforward_layernorm: norm(),
            post_feedforward_layernorm: norm(),
        }
    }
}

impl<M: FeedForward, A: Mixer> Block for SandwichLayer<M, A> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let attention = self.self_attn.forward(&self.input_layernorm.forward(x)?, mask, cache)?;
        let h = x + self.post_attention_layernorm.forward(&attention)?;
        let mlp = self.mlp.forward(&self.pre_feedforward_layernorm.forward(&h)?)?;
        h.add(self.post_feedforward_layernorm.forward(&mlp)?)
    }
}

/// Attention and a feed-forward layer side by side, both added to the stream.
#[derive(Debug, Module)]
pub struct ParallelLayer<M, N> {
    self_attn: Attention,
    mlp: M,
    input_layernorm: N,
    /// The feed-forward layer's own norm, if it does not share attention's.
    post_attention_layernorm: Option<N>,
}

impl<M: FeedForward, N: Norm> ParallelLayer<M, N> {
    /// A layer whose two halves share `norm`.
    pub fn new(self_attn: Attention, mlp: M, norm: N) -> Self {
        ParallelLayer { self_attn, mlp, input_layernorm: norm, post_attention_layernorm: None }
    }

    /// With a norm of its own for the feed-forward layer.
    pub fn with_mlp_norm(self, norm: N) -> Self {
        ParallelLayer { post_attention_layernorm: Some(norm), ..self }
    }
}

impl<M: FeedForward, N: Norm> Block for ParallelLayer<M, N> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let h = self.input_layernorm.forward(x)?;
        let mlp = match &self.post_attention_layernorm {
            Some(norm) => self.mlp.forward(&norm.forward(x)?)?,
            None => self.mlp.forward(&h)?,
        };
        x.add(&(self.self_attn.forward(&h, mask, cache)? + mlp))
    }
}
