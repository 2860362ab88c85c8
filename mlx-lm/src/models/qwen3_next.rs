//! Qwen3-Next and Qwen3.5: gated linear attention in three of four layers, attention with gated outputs in the others,
//! and in the larger models a mixture of experts
//! ([Qwen3-Next](https://qwen.ai/blog?id=4074cca80393150c248e508aa62983f9cb7d27cd), [Qwen3.5](https://qwen.ai/blog?id=qwen3.5)).

use super::blocks::{
    CausalLm, DecoderConfig, FeedForward, Gate, GatedDeltaNet, GatedDeltaSizes, GatedMlp, HybridLm, Mixer,
    Moe, PreNormLayer, Rope, Routing, Scores, SwitchGlu, merge_heads, one_in, orient_convolutions, rename,
    shift_norms, split_heads, split_rows, stack_experts,
};
use crate::{LayerCache, Result};
use mlx::{
    Array, Loader, Module, Rest, concatenate,
    fast::Mask,
    nn::{Linear, PackedLinear, RmsNorm},
};
use serde::Deserialize;

/// The fields of `config.json` that the models read.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    linear_num_key_heads: i32,
    linear_key_head_dim: i32,
    linear_num_value_heads: i32,
    linear_value_head_dim: i32,
    linear_conv_kernel_dim: i32,
    /// `None` or zero for models without experts, which have none of the following fields.
    num_experts: Option<i32>,
    #[serde(default)]
    num_experts_per_tok: i32,
    #[serde(default)]
    norm_topk_prob: bool,
    #[serde(default)]
    moe_intermediate_size: i32,
    #[serde(default)]
    shared_expert_intermediate_size: i32,
    #[serde(default = "every_layer")]
    decoder_sparse_step: usize,
    #[serde(default)]
    mlp_only_layers: Vec<usize>,
}

fn every_layer() -> usize {
    1
}

impl Config {
    fn mixer(&self, layer: usize) -> Result<Box<dyn Mixer>> {
        if self.base.layer_type(layer) == "full_attention" {
            return Ok(Box::new(Attention::new(self, layer)?));
        }
        let sizes = GatedDeltaSizes {
            hidden: self.base.hidden_size,
            key_heads: self.linear_num_key_heads,
            key_dim: self.linear_key_head_dim,
            value_heads: self.linear_num_value_heads,
            value_dim: self.linear_value_head_dim,
            window: self.linear_conv_kernel_dim,
        };
        Ok(Box::new(GatedDeltaNet::new(sizes, self.rms_norm_eps)?))
    }

    fn mlp(&self, layer: usize) -> Result<Box<dyn FeedForward>> {
        let (hidden, f) = (self.base.hidden_size, self.base.activation()?);
        let count = self.num_experts.unwrap_or_default();
        if count < 1 || !one_in(self.decoder_sparse_step, layer, &self.mlp_only_layers) {
            return Ok(Box::new(self.base.gated_mlp()?));
        }
        let experts = SwitchGlu::new(hidden, self.moe_intermediate_size, count, Gate::Plain(f));
        let routing = Routing {
            normalize: self.norm_topk_prob,
            ..Routing::new(self.num_experts_per_tok, Scores::Softmax)
        };
        let shared = GatedMlp::new(hidden, self.shared_expert_intermediate_size, f);
        let moe = Moe::new(hidden, count, experts, routing);
        Ok(Box::new(moe.with_shared(shared).with_shared_gate(hidden)))
    }
}

/// Attention whose outputs pass a gate ([Qiu et al., 2025](https://arxiv.org/abs/2505.06708)).
#[derive(Debug, Module)]
pub struct Attention {
    /// Queries, each head's with its gate behind it; keys and values.
    #[module(flatten)]
    qkv: PackedLinear<3>,
    o_proj: Linear,
    q_norm: RmsNorm,
    k_norm: RmsNorm,
    rope: Rope,
    dim: i32,
    scale: f32,
}

impl Attention {
    fn new(c: &Config, layer: usize) -> Result<Attention> {
        let (hidden, (q, k), dim) = (c.base.hidden_size, c.base.qk_features(), c.base.head_dim());
        let qkv = PackedLinear::new(hidden, [("q_proj", 2 * q), ("k_proj", k), ("v_proj", k)]);
        Ok(Attention {
            qkv: qkv.with_bias(c.attention_bias),
            o_proj: Linear::new(q, hidden).with_bias(c.attention_bias),
            q_norm: RmsNorm::new(dim, c.rms_norm_eps),
            k_norm: RmsNorm::new(dim, c.rms_norm_eps),
            rope: c.base.rope(layer)?,
            dim,
            scale: c.base.attention_scale(),
        })
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let [both, k, v] = self.qkv.forward(x)?;
        let both = split_heads(&both, 2 * self.dim)?;
        let q = self.q_norm.forward(&both.at((Rest, ..self.dim))?)?;
        let gate = merge_heads(&both.at((Rest, self.dim..))?)?;
        let k = self.k_norm.forward(&split_heads(&k, self.dim)?)?;
        let v = split_heads(&v, self.dim)?;
        let (q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        let out = cache.attend(&q, &k, &v, self.scale, mask)?;
        self.o_proj.forward(&merge_heads(&out)?.multiply(gate.sigmoid()?)?)
    }
}

/// Stacks the experts, gives all parts the names and layouts they have here, and adds one to the weights of norms in
/// checkpoints that store how far they are from one: those whose convolutions have PyTorch's order of axes.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.split('.').any(|part| part == "mtp"));
    shift_original_norms(weights)?;
    split_projections(c, weights)?;
    rename(weights, &[("linear_attn", "self_attn")])?;
    stack_experts(weights)
}

/// Gives an original checkpoint, by which convolutions tell it, norms that are no distances from one.
pub(crate) fn shift_original_norms(weights: &Loader) -> mlx::Result<()> {
    if orient_convolutions(weights)? {
        shift_norms(weights, |path| {
            path.ends_with("norm.weight") && !path.ends_with("linear_attn.norm.weight")
        })?;
    }
    Ok(())
}

/// Qwen3-Next holds all projections of a head of keys and of its values beside each other; Qwen3.5 each kind by itself.
fn split_projections(c: &Config, weights: &Loader) -> mlx::Result<()> {
    let (heads, dim) = (c.linear_num_key_heads, c.linear_key_head_dim);
    let each = c.linear_num_value_heads / heads.max(1);
    let values = each * c.linear_value_head_dim;
    let name = |part: &str| format!("linear_attn.in_proj_{part}");
    let [q, k, v, z, b, a] = ["q", "k", "v", "z", "b", "a"].map(name);
    split_rows(weights, &name("qkvz"), heads, &[(&q, dim), (&k, dim), (&v, values), (&z, values)])?;
    split_rows(weights, &name("ba"), heads, &[(&b, each), (&a, each)])?;
    weights.edit(|tensors| {
        let found: Vec<String> =
            tensors.keys().filter(|path| path.contains(&format!("{q}."))).cloned().collect();
        for path in found {
            let parts: Vec<_> =
                [&q, &k, &v].iter().filter_map(|part| tensors.remove(&path.replace(&q, part))).collect();
            tensors.insert(path.replace(&q, &name("qkv")), concatenate(&parts, 0)?);
        }
        Ok(())
    })
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown; heads that do not fit each other.
pub fn new(c: &Config) -> Result<HybridLm> {
    let norm = || c.base.rms_norm(c.rms_norm_eps);
    CausalLm::new(&c.base, norm(), |i| Ok(PreNormLayer::new(c.mixer(i)?, c.mlp(i)?, norm)))
}
