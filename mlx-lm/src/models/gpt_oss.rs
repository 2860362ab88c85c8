//! gpt-oss: a mixture of experts, attention with sinks, every other layer on a window
//! ([OpenAI, 2025](https://arxiv.org/abs/2508.10925)).

use super::blocks::{
    CausalLm, DecoderConfig, Gate, Mixer, Moe, PreNormLayer, Rope, Routing, Scores, SwitchGlu, merge_heads,
    rename, split_heads,
};
use crate::{Result, cache::LayerCache};
use mlx::{Array, Dtype, Loader, Module, Param, fast::Mask, nn::Linear, zeros};
use serde::Deserialize;
use std::collections::BTreeMap;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    num_local_experts: i32,
    num_experts_per_tok: i32,
    #[serde(default = "usual_alpha")]
    swiglu_alpha: f32,
    #[serde(default = "usual_limit")]
    swiglu_limit: f32,
}

fn usual_alpha() -> f32 {
    1.702
}

fn usual_limit() -> f32 {
    7.0
}

/// Attention in which each head has a sink.
#[derive(Debug, Module)]
pub struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    sinks: Param,
    rope: Rope,
    dim: i32,
    scale: f32,
}

impl Attention {
    fn new(c: &DecoderConfig, layer: usize) -> Result<Attention> {
        let (hidden, (q, k)) = (c.hidden_size, c.qk_features());
        Ok(Attention {
            q_proj: Linear::new(hidden, q).with_bias(true),
            k_proj: Linear::new(hidden, k).with_bias(true),
            v_proj: Linear::new(hidden, k).with_bias(true),
            o_proj: Linear::new(q, hidden).with_bias(true),
            sinks: zeros(&[c.num_attention_heads], Dtype::F32).into(),
            rope: c.rope(layer)?,
            dim: c.head_dim(),
            scale: c.attention_scale(),
        })
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let q = split_heads(&self.q_proj.forward(x)?, self.dim)?;
        let k = split_heads(&self.k_proj.forward(x)?, self.dim)?;
        let v = split_heads(&self.v_proj.forward(x)?, self.dim)?;
        let (q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        let out = cache.attend_with_sinks(&q, &k, &v, self.scale, mask, &self.sinks)?;
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// Gives the experts the form they have here. The original checkpoint holds them in 4 bits under `_blocks` and `_scales`,
/// transformers as numbers and transposed; both have gate and up in turn.
///
/// # Errors
/// Tensors of other shapes than the model's.
pub fn sanitize(_: &Config, weights: &Loader) -> mlx::Result<()> {
    unpack_experts(weights)?;
    rename(weights, &[("mlp.experts", "mlp.switch_mlp"), ("mlp.router", "mlp.gate")])
}

/// Makes layers of the experts, each of one projection.
pub(crate) fn unpack_experts(weights: &Loader) -> mlx::Result<()> {
    weights.edit(|tensors| {
        let names: Vec<String> = tensors
            .keys()
            .filter(|path| path.contains(".experts.") && !path.ends_with(".weight"))
            .cloned()
            .collect();
        for path in names {
            if let Some(array) = tensors.remove(&path) {
                put_experts(tensors, &path, array)?;
            }
        }
        Ok(())
    })
}

fn put_experts(tensors: &mut BTreeMap<String, Array>, path: &str, array: Array) -> mlx::Result<()> {
    let (layer, kind, array) = if let Some(layer) = path.strip_suffix("_blocks") {
        (layer, "weight", array.view(Dtype::U32)?.flatten(-2, -1)?)
    } else if let Some(layer) = path.strip_suffix("_scales") {
        (layer, "scales", array)
    } else if let Some(layer) = path.strip_suffix("_bias") {
        (layer, "bias", array)
    } else if path.ends_with("_proj") {
        (path, "weight", array.swapaxes(-1, -2)?)
    } else {
        tensors.insert(path.to_owned(), array);
        return Ok(());
    };
    let Some(start) = layer.strip_suffix("gate_up_proj") else {
        tensors.insert(format!("{layer}.{kind}"), array);
        return Ok(());
    };
    let shape = array.shape()?;
    let [experts, rows] = [shape[0], shape[1] / 2];
    let pairs = array.reshape([&[experts, rows, 2], &shape[2..]].concat())?;
    tensors.insert(format!("{start}gate_proj.{kind}"), pairs.at((.., .., 0))?);
    tensors.insert(format!("{start}up_proj.{kind}"), pairs.at((.., .., 1))?);
    Ok(())
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new(c: &Config) -> Result<CausalLm<PreNormLayer<Moe, Attention>>> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let gate = Gate::Clipped { alpha: c.swiglu_alpha, limit: c.swiglu_limit };
        let experts = SwitchGlu::new(base.hidden_size, base.intermediate_size, c.num_local_experts, gate);
        let routing = Routing::new(c.num_experts_per_tok, Scores::SoftmaxOfChosen);
        let moe = Moe::new(base.hidden_size, c.num_local_experts, experts.with_bias(true), routing);
        Ok(PreNormLayer::new(Attention::new(base, i)?, moe.with_router_bias(true), norm))
    })
}
