//! OLMo: norms without weights, and projections kept within bounds
//! ([Groeneveld et al., 2024](https://arxiv.org/abs/2402.00838)).

use super::blocks::{CausalLm, DecoderConfig, GatedMlp, Mixer, PreNormLayer, Rope, merge_heads, split_heads};
use crate::{Result, cache::LayerCache};
use mlx::{
    Array, Module,
    fast::Mask,
    nn::{LayerNorm, Linear, hard_tanh},
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    attention_bias: bool,
    /// The largest size of an element of queries, keys and values.
    clip_qkv: Option<f32>,
}

/// Attention over bounded queries, keys and values.
#[derive(Debug, Module)]
pub struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    rope: Rope,
    clip: Option<f32>,
    dim: i32,
    scale: f32,
}

impl Attention {
    fn new(c: &Config, layer: usize) -> Result<Attention> {
        let (hidden, (q, k)) = (c.base.hidden_size, c.base.qk_features());
        let linear = |inputs, outputs| Linear::new(inputs, outputs).with_bias(c.attention_bias);
        Ok(Attention {
            q_proj: linear(hidden, q),
            k_proj: linear(hidden, k),
            v_proj: linear(hidden, k),
            o_proj: linear(q, hidden),
            rope: c.base.rope(layer)?,
            clip: c.clip_qkv,
            dim: c.base.head_dim(),
            scale: c.base.attention_scale(),
        })
    }

    fn project(&self, x: &Array, projection: &Linear) -> mlx::Result<Array> {
        let mut y = projection.forward(x)?;
        if let Some(clip) = self.clip {
            y = hard_tanh(&y, -clip, clip)?;
        }
        split_heads(&y, self.dim)
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let (q, k) = (self.project(x, &self.q_proj)?, self.project(x, &self.k_proj)?);
        let v = self.project(x, &self.v_proj)?;
        let (q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        let out = cache.attend(&q, &k, &v, self.scale, mask)?;
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<GatedMlp, Attention, LayerNorm>, LayerNorm>> {
    let base = &c.base;
    let norm = || LayerNorm::new(base.hidden_size).with_affine(false);
    CausalLm::new(base, norm(), |i| Ok(PreNormLayer::new(Attention::new(c, i)?, base.gated_mlp()?, norm)))
}
