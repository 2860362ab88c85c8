//! Ministral 3: Llama whose queries grow with their position beyond the original context
//! ([Mistral AI, 2025](https://arxiv.org/abs/2601.08584)).

use super::blocks::{CausalLm, DecoderConfig, GatedMlp, Mixer, PreNormLayer, Rope, merge_heads, split_heads};
use crate::{LayerCache, Offset, Result};
use mlx::{Array, Dtype, Module, fast::Mask, nn::Linear};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
}

/// Attention with growing queries.
#[derive(Debug, Module)]
pub struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    rope: Rope,
    dim: i32,
    scale: f32,
    #[module(skip)]
    growth: Option<Growth>,
}

/// A query at position `p` is multiplied by `1 + beta · ln(1 + floor(p / context))`.
#[derive(Clone, Copy, Debug)]
struct Growth {
    beta: f64,
    context: f64,
}

impl Growth {
    /// Factors for `length` positions from `offset` on, `[rows, 1, length, 1]`; `None` where all are one.
    fn factors(self, offset: &Offset, length: i32, dtype: Dtype) -> mlx::Result<Option<Array>> {
        if f64::from(offset.max()) + f64::from(length) <= self.context {
            return Ok(None);
        }
        let positions = offset.positions(length)?.astype(Dtype::F32)?;
        let times = (positions / self.context as f32).floor()?;
        let factors = (times + 1.0).log()? * self.beta as f32 + 1.0;
        factors.reshape([-1, 1, length, 1])?.astype(dtype).map(Some)
    }
}

impl Attention {
    fn new(c: &DecoderConfig, layer: usize) -> Result<Attention> {
        let (hidden, (q, k)) = (c.hidden_size, c.qk_features());
        let parameters = c.rope_parameters(layer)?;
        let growth = parameters.llama_4_scaling_beta.zip(parameters.original_context());
        Ok(Attention {
            q_proj: Linear::new(hidden, q),
            k_proj: Linear::new(hidden, k),
            v_proj: Linear::new(hidden, k),
            o_proj: Linear::new(q, hidden),
            rope: c.rope(layer)?,
            dim: c.head_dim(),
            scale: c.attention_scale(),
            growth: growth.map(|(beta, context)| Growth { beta, context }),
        })
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let q = split_heads(&self.q_proj.forward(x)?, self.dim)?;
        let k = split_heads(&self.k_proj.forward(x)?, self.dim)?;
        let v = split_heads(&self.v_proj.forward(x)?, self.dim)?;
        let (mut q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        if let Some(growth) = self.growth
            && let Some(factors) = growth.factors(&cache.offset(), q.dim(2)?, q.dtype()?)?
        {
            q = q.multiply(&factors)?;
        }
        let out = cache.attend(&q, &k, &v, self.scale, mask)?;
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<GatedMlp, Attention>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| Ok(PreNormLayer::new(Attention::new(base, i)?, base.gated_mlp()?, norm)))
}
