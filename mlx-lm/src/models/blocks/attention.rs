//! Grouped-query attention in its usual form, and what all forms of attention share.

use super::{DecoderConfig, Norm, Rope, soft_cap};
use crate::cache::LayerCache;
use mlx::{
    Array, Dtype, Module, Result,
    fast::Mask,
    nn::{Linear, PackedLinear, RmsNorm},
};

/// What lets the positions of a decoder layer see each other: attention, or a recurrence.
pub trait Mixer: Module {
    /// `x` `[batch, length, dims]` to the same shape.
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array>;

    /// An empty cache for the layer.
    fn new_cache(&self) -> LayerCache {
        LayerCache::full()
    }
}

impl<M: Mixer + ?Sized> Mixer for Box<M> {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        (**self).forward(x, mask, cache)
    }

    fn new_cache(&self) -> LayerCache {
        (**self).new_cache()
    }
}

/// `[batch, length, heads · dim]` as `[batch, heads, length, dim]`.
pub fn split_heads(x: &Array, dim: i32) -> Result<Array> {
    let [batch, length, _] = x.dims()?;
    if length == 1 {
        return x.reshape([batch, -1, 1, dim]);
    }
    x.reshape([batch, length, -1, dim])?.transpose([0, 2, 1, 3])
}

/// `[batch, heads, length, dim]` as `[batch, length, heads · dim]`.
pub fn merge_heads(x: &Array) -> Result<Array> {
    let [batch, _, length, _] = x.dims()?;
    if length == 1 {
        return x.reshape([batch, 1, -1]);
    }
    x.transpose([0, 2, 1, 3])?.reshape([batch, length, -1])
}

/// Attention with fewer heads of keys and values than of queries
/// ([Ainslie et al., 2023](https://arxiv.org/abs/2305.13245)), for models that change no more than its biases, its
/// scale, its rotary embeddings, or normalize or bound queries and keys.
#[derive(Debug, Module)]
pub struct Attention {
    #[module(flatten)]
    qkv: PackedLinear<3>,
    o_proj: Linear,
    q_norm: Option<Box<dyn Norm>>,
    k_norm: Option<Box<dyn Norm>>,
    /// Whether each head is normalized by itself.
    by_head: bool,
    /// Whether heads are rotated first and normalized then.
    rotated_first: bool,
    rope: Option<Rope>,
    /// The largest size of an element of queries, keys and values.
    clip: Option<f32>,
    dim: i32,
    scale: f32,
}

impl Attention {
    /// Attention without biases; `rope` is `None` for layers that know no positions.
    pub fn new(c: &DecoderConfig, rope: Option<Rope>) -> Attention {
        let (hidden, (q, k)) = (c.hidden_size, c.qk_features());
        Attention {
            qkv: PackedLinear::new(hidden, [("q_proj", q), ("k_proj", k), ("v_proj", k)]),
            o_proj: Linear::new(q, hidden),
            q_norm: None,
            k_norm: None,
            by_head: true,
            rotated_first: false,
            rope,
            clip: None,
            dim: c.head_dim(),
            scale: c.attention_scale(),
        }
    }

    /// With biases of queries, keys and values, and of the output.
    pub fn with_bias(self, qkv: bool, output: bool) -> Attention {
        Attention { qkv: self.qkv.with_bias(qkv), o_proj: self.o_proj.with_bias(output), ..self }
    }

    /// With scores multiplied by `scale` instead of `1 / sqrt(head dim)`.
    pub fn with_scale(self, scale: f32) -> Attention {
        Attention { scale, ..self }
    }

    /// With the queries and keys of each head normalized ([Henry et al., 2020](https://arxiv.org/abs/2010.04245)); the
    /// norms get `[batch, heads, length, head dim]`.
    pub fn with_head_norms(self, q: impl Norm + 'static, k: impl Norm + 'static) -> Attention {
        Attention { q_norm: Some(Box::new(q)), k_norm: Some(Box::new(k)), by_head: true, ..self }
    }

    /// [`Attention::with_head_norms`] of the usual kind.
    pub fn with_head_rms_norms(self, eps: f32) -> Attention {
        let norm = || RmsNorm::new(self.dim, eps);
        let (q, k) = (norm(), norm());
        self.with_head_norms(q, k)
    }

    /// With the norms of heads behind the rotary embeddings, and not before them.
    pub fn normed_when_rotated(self) -> Attention {
        Attention { rotated_first: true, ..self }
    }

    /// With queries and keys normalized over the features of all heads together.
    pub fn with_full_norms(self, c: &DecoderConfig, eps: f32) -> Attention {
        let (q, k) = c.qk_features();
        let norm = |dims| -> Option<Box<dyn Norm>> { Some(Box::new(RmsNorm::new(dims, eps))) };
        Attention { q_norm: norm(q), k_norm: norm(k), by_head: false, ..self }
    }

    /// With the elements of queries, keys and values kept within `±clip`.
    pub fn with_clip(self, clip: Option<f32>) -> Attention {
        Attention { clip, ..self }
    }

    /// What a projection gave, as heads.
    fn heads(&self, mut x: Array, norm: Option<&dyn Norm>) -> Result<Array> {
        if let Some(norm) = norm.filter(|_| !self.by_head) {
            x = norm.forward(&x)?;
        }
        if let Some(clip) = self.clip {
            x = x.maximum(-clip)?.minimum(clip)?;
        }
        let heads = split_heads(&x, self.dim)?;
        self.normed(heads, norm, !self.rotated_first)
    }

    /// `heads`, normalized one by one if it is `now` that they shall be.
    fn normed(&self, heads: Array, norm: Option<&dyn Norm>, now: bool) -> Result<Array> {
        match norm.filter(|_| self.by_head && now) {
            Some(norm) => norm.forward(&heads),
            None => Ok(heads),
        }
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> Result<Array> {
        let [q, k, v] = self.qkv.forward(x)?;
        let mut q = self.heads(q, self.q_norm.as_deref())?;
        let mut k = self.heads(k, self.k_norm.as_deref())?;
        let v = self.heads(v, None)?;
        if let Some(rope) = &self.rope {
            (q, k) = (rope.forward(&q, cache.offset())?, rope.forward(&k, cache.offset())?);
        }
        q = self.normed(q, self.q_norm.as_deref(), self.rotated_first)?;
        k = self.normed(k, self.k_norm.as_deref(), self.rotated_first)?;
        let out = cache.attend(&q, &k, &v, self.scale, mask)?;
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// Attention whose scores are kept within `±cap` ([Gemma 2](https://arxiv.org/abs/2408.00118)): over the keys and values
/// `[batch, kv heads, keys, dim]` of all tokens so far, from the queries `[batch, heads, queries, dim]` of the last.
pub fn soft_capped_attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f32,
    cap: f32,
    mask: Mask<'_>,
) -> Result<Array> {
    let ([batch, heads, queries, dim], kv_heads) = (q.dims()?, k.dim(1)?);
    let q = (q * scale).reshape([batch, kv_heads, heads / kv_heads, queries, dim])?;
    let scores = soft_cap(&q.matmul(&k.expand_dims(2)?.swapaxes(-1, -2)?)?, cap)?;
    let scores = mask_scores(&scores, mask)?;
    let out = scores.softmax(-1)?.matmul(&v.expand_dims(2)?)?;
    out.reshape([batch, heads, queries, -1])
}

/// `scores` `[..., queries, keys]` with minus infinity where a query must not look; the last query stands at the last key.
pub fn mask_scores(scores: &Array, mask: Mask<'_>) -> Result<Array> {
    let hide = |visible: &Array| visible.logical_not()?.where_(f32::NEG_INFINITY, scores);
    match mask {
        Mask::None => Ok(scores.clone()),
        Mask::Causal => hide(&causal_mask(scores.dim(-2)?, scores.dim(-1)?)?),
        Mask::Array(visible) => hide(visible),
    }
}

fn causal_mask(queries: i32, keys: i32) -> Result<Array> {
    let position = |from: i32, to: i32| mlx::arange(from.into(), to.into(), 1.0, Dtype::I32);
    position(keys - queries, keys)?.expand_dims(1)?.greater_equal(&position(0, keys)?)
}
