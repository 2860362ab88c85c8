//! Ling and Ring: a mixture of experts whose choice a bias may balance, and all projections of attention as one
//! ([Ling Team, 2025](https://arxiv.org/abs/2510.22115)).
//!
//! The first of them normalize the columns of the head.

use super::blocks::{
    Attention, CausalLm, DecoderConfig, DeepSeekMoe, FeedForward, MoeLm, PreNormLayer, drop_layers_from,
    name_deepseek_moe, rename, split_rows,
};
use crate::{Error, Result};
use mlx::{Dtype, Loader, axes};
use serde::Deserialize;

/// The fields of `config.json` that the model reads.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    #[serde(flatten)]
    base: DecoderConfig,
    rms_norm_eps: f32,
    use_bias: bool,
    use_qkv_bias: bool,
    use_qk_norm: bool,
    norm_head: bool,
    score_function: String,
    moe_router_enable_expert_bias: bool,
    #[serde(flatten)]
    moe: DeepSeekMoe,
}

impl Config {
    fn mlp(&self, layer: usize) -> Result<Box<dyn FeedForward>> {
        match (self.score_function.as_str(), self.moe_router_enable_expert_bias) {
            ("sigmoid", true) => self.moe.balanced(&self.base, layer),
            ("softmax", false) => self.moe.plain(&self.base, layer, false),
            (scores, bias) => Err(Error::Invalid(format!(
                "config.json: `score_function` `{scores}` with `moe_router_enable_expert_bias` {bias} is not supported"
            ))),
        }
    }
}

/// Takes apart the projections of attention, stacks the experts, and gives all parts the names they have here.
///
/// # Errors
/// Tensors of other shapes than `c` says.
pub fn sanitize(c: &Config, weights: &Loader) -> mlx::Result<()> {
    drop_layers_from(weights, c.base.num_hidden_layers);
    if c.norm_head {
        normalize_head(weights)?;
    }
    let names = [
        ("word_embeddings", "embed_tokens"),
        ("attention", "self_attn"),
        ("dense", "o_proj"),
        ("query_layernorm", "q_norm"),
        ("key_layernorm", "k_norm"),
        ("gate.gate_proj", "gate"),
        ("gate.expert_bias", "e_score_correction_bias"),
    ];
    rename(weights, &names)?;
    let (q, k) = c.base.qk_features();
    let qkv = [("self_attn.q_proj", q), ("self_attn.k_proj", k), ("self_attn.v_proj", k)];
    split_rows(weights, "self_attn.query_key_value", 1, &qkv)?;
    name_deepseek_moe(weights)
}

/// Gives each column of the head the length one. A head in few bits was normalized before.
pub(crate) fn normalize_head(weights: &Loader) -> mlx::Result<()> {
    weights.edit(|tensors| {
        if let (Some(head), None) = (tensors.get("lm_head.weight"), tensors.get("lm_head.scales")) {
            let wide = head.astype(Dtype::F32)?;
            let lengths = wide.square()?.sum(axes([0]).keep())?.sqrt()? + 1e-7;
            let head = wide.divide(lengths)?.astype(head.dtype()?)?;
            tensors.insert("lm_head.weight".into(), head);
        }
        Ok(())
    })
}

/// The model that `c` describes.
///
/// # Errors
/// Kinds of layers or rotary embeddings that are unknown, and experts that are chosen in another way.
pub fn new(c: &Config) -> Result<MoeLm> {
    let base = &c.base;
    let norm = || base.rms_norm(c.rms_norm_eps);
    CausalLm::new(base, norm(), |i| {
        let mut attention = Attention::new(base, Some(base.rope(i)?)).with_bias(c.use_qkv_bias, c.use_bias);
        if c.use_qk_norm {
            attention = attention.with_head_rms_norms(c.rms_norm_eps);
        }
        Ok(PreNormLayer::new(attention, c.mlp(i)?, norm))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::Array;

    #[test]
    fn columns_of_the_head_become_as_long_as_one() -> mlx::Result<()> {
        let head = Array::from_slice(&[3f32, 5.0, 4.0, 12.0], &[2, 2]);
        let weights = Loader::new([("lm_head.weight".to_owned(), head.clone())]);
        normalize_head(&weights)?;
        let found = weights.at("lm_head").at("weight").peek().map(|head| head.to_vec::<f32>()).transpose()?;
        assert_eq!(found, Some(vec![0.6, 5.0 / 13.0, 0.8, 12.0 / 13.0]));

        // Words of a packed matrix are no numbers.
        let packed =
            [("lm_head.weight".to_owned(), head.clone()), ("lm_head.scales".to_owned(), head.clone())];
        let weights = Loader::new(packed);
        normalize_head(&weights)?;
        let found = weights.at("lm_head").at("weight").peek().map(|head| head.to_vec::<f32>()).transpose()?;
        assert_eq!(found, Some(head.to_vec::<f32>()?));
        Ok(())
    }
}
