//! Llama and Mistral: grouped-query attention, rotary positions, SwiGLU
//! ([Touvron et al., 2023](https://arxiv.org/abs/2307.09288), [Llama 3](https://arxiv.org/abs/2407.21783)).

use super::{
    LanguageModel,
    blocks::{Block, CausalLm, RopeConfig, SwiGlu, rope},
};
use crate::{Cache, Error, Result, cache::LayerCache};
use mlx::{
    Array, Loader, Module,
    fast::Mask,
    nn::{Linear, RmsNorm, Rope},
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    vocab_size: i32,
    hidden_size: i32,
    intermediate_size: i32,
    num_hidden_layers: usize,
    num_attention_heads: i32,
    num_key_value_heads: Option<i32>,
    head_dim: Option<i32>,
    rms_norm_eps: f32,
    /// Absent in some files; then the checkpoint says it by having a head or not.
    tie_word_embeddings: Option<bool>,
    #[serde(default)]
    attention_bias: bool,
    /// Biases of queries, keys and values alone, without one of the output; no file says so.
    #[serde(skip)]
    pub(super) qkv_bias: bool,
    #[serde(default)]
    mlp_bias: bool,
    layer_types: Option<Vec<String>>,
    sliding_window: Option<i32>,
    #[serde(flatten)]
    rope: RopeConfig,
}

impl Config {
    fn head_dim(&self) -> i32 {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads)
    }

    fn kv_heads(&self) -> i32 {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// The window of a layer. Only `layer_types` gives one: plain Mistral files name a `sliding_window` that
    /// neither transformers nor mlx-lm applies to them.
    fn window(&self, layer: usize) -> Result<Option<i32>> {
        match self.layer_types.as_ref().and_then(|types| types.get(layer)).map(String::as_str) {
            None | Some("full_attention") => Ok(None),
            Some("sliding_attention") => match self.sliding_window {
                Some(window) if window > 0 => Ok(Some(window)),
                _ => Err(Error::Invalid(
                    "config.json: `sliding_attention` layers need a `sliding_window`".into(),
                )),
            },
            Some(other) => Err(Error::Invalid(format!("config.json: unknown layer type `{other}`"))),
        }
    }
}

#[derive(Debug, Module)]
struct Attention {
    q_proj: Linear,
    k_proj: Linear,
    v_proj: Linear,
    o_proj: Linear,
    rope: Rope,
    dim: i32,
}

impl Attention {
    fn new(c: &Config) -> Result<Attention> {
        let dim = c.head_dim();
        let heads = |count| Linear::new(c.hidden_size, count * dim).with_bias(c.attention_bias || c.qkv_bias);
        Ok(Attention {
            q_proj: heads(c.num_attention_heads),
            k_proj: heads(c.kv_heads()),
            v_proj: heads(c.kv_heads()),
            o_proj: Linear::new(c.num_attention_heads * dim, c.hidden_size).with_bias(c.attention_bias),
            rope: rope(dim, &c.rope)?,
            dim,
        })
    }

    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let [batch, length, _] = x.dims()?;
        let heads = |y: Array| y.reshape([batch, length, -1, self.dim])?.transpose([0, 2, 1, 3]);
        let q = heads(self.q_proj.forward(x)?)?;
        let k = heads(self.k_proj.forward(x)?)?;
        let v = heads(self.v_proj.forward(x)?)?;
        let (q, k) = (self.rope.forward(&q, cache.offset())?, self.rope.forward(&k, cache.offset())?);
        let out = cache.attend(&q, &k, &v, (self.dim as f32).powf(-0.5), mask)?;
        self.o_proj.forward(&out.transpose([0, 2, 1, 3])?.reshape([batch, length, -1])?)
    }
}

#[derive(Debug, Module)]
struct Layer {
    self_attn: Attention,
    mlp: SwiGlu,
    input_layernorm: RmsNorm,
    post_attention_layernorm: RmsNorm,
    #[module(skip)]
    window: Option<i32>,
}

impl Block for Layer {
    fn forward(&self, x: &Array, mask: Mask<'_>, cache: &mut LayerCache) -> mlx::Result<Array> {
        let h = x + self.self_attn.forward(&self.input_layernorm.forward(x)?, mask, cache)?;
        let mlp = self.mlp.forward(&self.post_attention_layernorm.forward(&h)?)?;
        Ok(h + mlp)
    }

    fn window(&self) -> Option<i32> {
        self.window
    }
}

/// A Llama of any size.
#[derive(Debug, Module)]
pub struct Llama {
    #[module(flatten)]
    lm: CausalLm<Layer>,
}

impl Llama {
    /// The model `c` describes. Looks into `weights` only to learn whether there is a head of its own, and drops
    /// tensors that some checkpoints carry without use.
    pub fn new(c: &Config, weights: &Loader) -> Result<Llama> {
        if c.num_attention_heads % c.kv_heads() != 0 || c.head_dim() % 2 != 0 || c.head_dim() == 0 {
            let (heads, kv, dim) = (c.num_attention_heads, c.kv_heads(), c.head_dim());
            return Err(Error::Invalid(format!(
                "config.json: {heads} heads of {dim} do not fit {kv} key-value heads"
            )));
        }
        let head = weights.at("lm_head").at("weight").peek();
        let tied = c.tie_word_embeddings.unwrap_or(head.is_none());
        weights
            .ignore(|path| path.ends_with("rotary_emb.inv_freq") || (tied && path.starts_with("lm_head.")));

        let norm = || RmsNorm::new(c.hidden_size, c.rms_norm_eps);
        let layer = |i| {
            Ok(Layer {
                self_attn: Attention::new(c)?,
                mlp: SwiGlu::new(c.hidden_size, c.intermediate_size, c.mlp_bias),
                input_layernorm: norm(),
                post_attention_layernorm: norm(),
                window: c.window(i)?,
            })
        };
        let layers = (0..c.num_hidden_layers).map(layer).collect::<Result<_>>()?;
        Ok(Llama { lm: CausalLm::new(c.vocab_size, c.hidden_size, norm(), tied, layers) })
    }
}

impl LanguageModel for Llama {
    fn forward(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        self.lm.forward(tokens, cache)
    }

    fn new_cache(&self) -> Cache {
        self.lm.new_cache()
    }
}
