//! GPT-2: learned positions, layer norms, biases, GELU
//! ([Radford et al., 2019](https://cdn.openai.com/better-language-models/language_models_are_unsupervised_multitask_learners.pdf)).

use super::{
    LanguageModel,
    blocks::{Attention, Block, DecoderConfig, Mlp, PreNormLayer, rename, split_rows},
};
use crate::{Cache, Result};
use mlx::{
    Array, Loader, Module,
    fast::Mask,
    nn::{Embedding, LayerNorm},
};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    max_position_embeddings: i32,
    layer_norm_eps: f32,
}

/// A GPT-2 of any size. Its head is the embedding again.
#[derive(Debug, Module)]
pub struct Gpt2 {
    wte: Embedding,
    wpe: Embedding,
    h: Vec<PreNormLayer<Mlp, Attention, LayerNorm>>,
    ln_f: LayerNorm,
}

/// Takes apart queries, keys and values, and gives all parts the names they have here. The original checkpoint has its
/// matrices transposed.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    weights.ignore(|path| path.ends_with(".attn.bias") || path.ends_with(".attn.masked_bias"));
    let names = [
        ("transformer", ""),
        ("model", ""),
        ("ln_1", "input_layernorm"),
        ("ln_2", "post_attention_layernorm"),
    ];
    rename(weights, &names)?;
    let hidden = c.base.hidden_size;
    weights.edit(|tensors| {
        let transposed = match tensors.get("h.0.attn.c_attn.weight") {
            Some(weight) => weight.shape()? == [hidden, 3 * hidden],
            None => false,
        };
        let matrices =
            tensors.iter_mut().filter(|(path, _)| path.contains(".c_") && path.ends_with(".weight"));
        for (_, matrix) in matrices.filter(|_| transposed) {
            *matrix = matrix.t()?;
        }
        Ok(())
    })?;
    let qkv = [("attn.q_proj", hidden), ("attn.k_proj", hidden), ("attn.v_proj", hidden)];
    split_rows(weights, "attn.c_attn", 1, &qkv)?;
    let names = [
        ("attn.c_proj", "attn.o_proj"),
        ("attn", "self_attn"),
        ("mlp.c_fc", "mlp.up_proj"),
        ("mlp.c_proj", "mlp.down_proj"),
    ];
    rename(weights, &names)
}

/// The model that `c` describes.
///
/// # Errors
/// An activation that is unknown.
pub fn new(c: &Config) -> Result<Gpt2> {
    let base = &c.base;
    let norm = || base.layer_norm(c.layer_norm_eps);
    let layer = |_| {
        let attention = Attention::new(base, None).with_bias(true, true);
        let mlp = Mlp::new(base.hidden_size, base.intermediate_size, base.activation()?, true);
        Ok(PreNormLayer::new(attention, mlp, norm))
    };
    Ok(Gpt2 {
        wte: Embedding::new(base.vocab_size, base.hidden_size),
        wpe: Embedding::new(c.max_position_embeddings, base.hidden_size),
        h: (0..base.num_hidden_layers).map(layer).collect::<Result<_>>()?,
        ln_f: norm(),
    })
}

impl LanguageModel for Gpt2 {
    fn features(&self, tokens: &Array, cache: &mut Cache) -> mlx::Result<Array> {
        let length = tokens.dim(1)?;
        let positions = cache.offset().positions(length)?;
        let mut h = self.wte.forward(tokens)? + self.wpe.forward(&positions)?;
        for (layer, cache) in self.h.iter().zip(cache.layers_mut()) {
            h = layer.forward(&h, Mask::causal(length), cache)?;
        }
        self.ln_f.forward(&h)
    }

    fn head(&self, features: &Array) -> mlx::Result<Array> {
        self.wte.as_linear(features)
    }

    fn new_cache(&self) -> Cache {
        Cache::new(self.h.iter().map(Block::new_cache).collect())
    }
}
