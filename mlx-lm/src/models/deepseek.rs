//! DeepSeek V2 and V3: attention over a latent of keys and values, and a mixture of experts chosen from groups
//! ([DeepSeek-AI, 2024](https://arxiv.org/abs/2405.04434), [DeepSeek-V3](https://arxiv.org/abs/2412.19437)).

use super::blocks::{
    CausalLm, DecoderConfig, DeepSeekMoe, FeedForward, HeadLinear, Mixer, PreNormLayer, Rope,
    drop_layers_from, mask_scores, merge_heads, name_deepseek_moe, split_heads, split_latent,
    transpose_layer,
};
use crate::{Result, cache::LayerCache};
use mlx::{
    Array, Loader, Module, Rest,
    fast::{Mask, scaled_dot_product_attention},
    nn::{Linear, RmsNorm},
};
use serde::Deserialize;

/// The fields of `config.json` that the models read.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    attention_bias: bool,
    /// `None` for queries that are projected at once.
    q_lora_rank: Option<i32>,
    kv_lora_rank: i32,
    qk_nope_head_dim: i32,
    qk_rope_head_dim: i32,
    v_head_dim: i32,
    #[serde(default = "yes")]
    rope_interleave: bool,
    topk_method: Option<String>,
    #[serde(flatten)]
    moe: DeepSeekMoe,
}

fn yes() -> bool {
    true
}

impl Config {
    /// The paths of the attention of all layers.
    fn attentions(&self) -> impl Iterator<Item = String> {
        (0..self.base.num_hidden_layers).map(|layer| format!("model.layers.{layer}.self_attn"))
    }
}

/// What differs besides the configuration.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Version {
    /// Keys are made of the latent by matrices as they are.
    V2,
    /// By transposed ones.
    V3,
}

/// Multi-head latent attention. The cache holds a latent of all heads' keys and values, and the part of the keys that is
/// rotated.
#[derive(Debug, Module)]
pub struct Attention {
    q_proj: Option<Linear>,
    q_a_proj: Option<Linear>,
    q_a_layernorm: Option<RmsNorm>,
    q_b_proj: Option<Linear>,
    kv_a_proj_with_mqa: Linear,
    kv_a_layernorm: RmsNorm,
    /// Queries to the latent, the transpose of what makes keys of it.
    embed_q: HeadLinear,
    /// Values from the latent.
    unembed_out: HeadLinear,
    o_proj: Linear,
    rope: Rope,
    #[module(skip)]
    dims: Dims,
    scale: f32,
}

/// Features of a head that are not rotated, that are rotated, and of the latent.
#[derive(Clone, Copy, Debug)]
struct Dims {
    plain: i32,
    rotated: i32,
    latent: i32,
}

impl Attention {
    /// Of the norms inside attention, whatever the model's others have.
    const EPS: f32 = 1e-6;

    fn new(c: &Config, layer: usize, version: Version) -> Result<Attention> {
        let (hidden, heads) = (c.base.hidden_size, c.base.num_attention_heads);
        let dims = Dims { plain: c.qk_nope_head_dim, rotated: c.qk_rope_head_dim, latent: c.kv_lora_rank };
        let queries = heads * (dims.plain + dims.rotated);
        let parameters = c.base.rope_parameters(layer)?;
        let scale = f64::from(dims.plain + dims.rotated).powf(-0.5) * parameters.score_factor();
        let biased = |inputs, outputs| Linear::new(inputs, outputs).with_bias(c.attention_bias);
        Ok(Attention {
            q_proj: c.q_lora_rank.is_none().then(|| Linear::new(hidden, queries)),
            q_a_proj: c.q_lora_rank.map(|rank| biased(hidden, rank)),
            q_a_layernorm: c.q_lora_rank.map(|rank| RmsNorm::new(rank, Attention::EPS)),
            q_b_proj: c.q_lora_rank.map(|rank| Linear::new(rank, queries)),
            kv_a_proj_with_mqa: biased(hidden, dims.latent + dims.rotated),
            kv_a_layernorm: RmsNorm::new(dims.latent, Attention::EPS),
            embed_q: HeadLinear::new(heads, dims.plain, dims.latent, version == Version::V2),
            unembed_out: HeadLinear::new(heads, dims.latent, c.v_head_dim, false),
            o_proj: biased(heads * c.v_head_dim, hidden),
            rope: Rope::new(dims.rotated, parameters)?.traditional(c.rope_interleave),
            dims,
            scale: scale as f32,
        })
    }

    fn queries(&self, x: &Array) -> mlx::Result<Array> {
        match (&self.q_proj, &self.q_a_proj, &self.q_a_layernorm, &self.q_b_proj) {
            (None, Some(down), Some(norm), Some(up)) => up.forward(&norm.forward(&down.forward(x)?)?),
            (Some(projection), ..) => projection.forward(x),
            _ => Ok(x.clone()),
        }
    }

    /// From queries `[batch, heads, queries, dim]` over the latents of keys and values `[batch, 1, keys, latent]`.
    fn attend(
        &self,
        q: &Array,
        q_rotated: &Array,
        kept: &Array,
        k_rotated: &Array,
        mask: Mask<'_>,
    ) -> mlx::Result<Array> {
        let scores = (q_rotated * self.scale).matmul(&k_rotated.swapaxes(-1, -2)?)?;
        let scores = mask_scores(&scores, mask)?;
        let mask = Mask::Array(&scores);
        if q.dim(2)? == 1 {
            // One query is cheaper to bring to the latent than all keys and values out of it.
            let q = self.embed_q.forward(q)?;
            let out = scaled_dot_product_attention(&q, kept, kept, self.scale, mask)?;
            return self.unembed_out.forward(&out);
        }
        let (k, v) = (self.embed_q.back(kept)?, self.unembed_out.forward(kept)?);
        scaled_dot_product_attention(q, &k, &v, self.scale, mask)
    }
}

impl Mixer for Attention {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let Dims { plain, rotated, latent } = self.dims;
        let q = split_heads(&self.queries(x)?, plain + rotated)?;
        let (q, q_rotated) = (q.at((Rest, ..plain))?, q.at((Rest, plain..))?);
        let kv = self.kv_a_proj_with_mqa.forward(x)?;
        let kept = self.kv_a_layernorm.forward(&kv.at((Rest, ..latent))?)?.expand_dims(1)?;
        let k_rotated = kv.at((Rest, latent..))?.expand_dims(1)?;
        let (q_rotated, k_rotated) =
            (self.rope.forward(&q_rotated, cache.offset())?, self.rope.forward(&k_rotated, cache.offset())?);
        let out = cache.attend_by(
            [&q, &q_rotated],
            &kept,
            &k_rotated,
            mask,
            |[q, q_rotated], kept, k_rotated, mask| self.attend(q, q_rotated, kept, k_rotated, mask),
        )?;
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

/// Stacks the experts, gives all parts the names they have here, and takes apart what makes keys and values of the latent.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize_v2(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_layers_from(weights, c.base.num_hidden_layers);
    name_deepseek_moe(weights)?;
    let sizes = [c.base.num_attention_heads, c.qk_nope_head_dim];
    weights.edit(|tensors| c.attentions().try_for_each(|path| split_latent(tensors, &path, sizes)))
}

/// As [`sanitize_v2`], with what makes keys transposed, as Python mlx-lm stores it for this version.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize_v3(c: &Config, weights: &Loader) -> mlx::Result<()> {
    let fused = |path: &String| weights.at(format!("{path}.kv_b_proj.weight")).peek().is_some();
    let fused: Vec<String> = c.attentions().filter(fused).collect();
    sanitize_v2(c, weights)?;
    weights.edit(|tensors| {
        let mut keys = fused.iter().map(|path| format!("{path}.embed_q"));
        keys.try_for_each(|path| transpose_layer(tensors, &path, c.kv_lora_rank))
    })
}

/// A DeepSeek of either version.
pub type DeepSeek = CausalLm<PreNormLayer<Box<dyn FeedForward>, Attention>>;

/// The V2 model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new_v2(c: &Config) -> Result<DeepSeek> {
    let from_groups = c.topk_method.as_deref() == Some("group_limited_greedy");
    new(c, Version::V2, |layer| c.moe.plain(&c.base, layer, from_groups))
}

/// The V3 model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown.
pub fn new_v3(c: &Config) -> Result<DeepSeek> {
    new(c, Version::V3, |layer| c.moe.balanced(&c.base, layer))
}

fn new(
    c: &Config,
    version: Version,
    mlp: impl Fn(usize) -> Result<Box<dyn FeedForward>>,
) -> Result<DeepSeek> {
    let norm = || c.base.rms_norm(c.rms_norm_eps);
    CausalLm::new(&c.base, norm(), |i| Ok(PreNormLayer::new(Attention::new(c, i, version)?, mlp(i)?, norm)))
}
