//! GGUF tensor names to Hugging Face's, for Llama models.

use super::{Gguf, TensorInfo};
use crate::error::{Error, Result};

/// RoPE frequency factors: a part of the configuration in Hugging Face's format, not a weight.
pub(super) const ROPE_FREQS: &str = "rope_freqs.weight";

const MODEL: [(&str, &str); 3] =
    [("token_embd", "model.embed_tokens"), ("output_norm", "model.norm"), ("output", "lm_head")];

/// Below `blk.N`, and below `model.layers.N`.
const LAYER: [(&str, &str); 9] = [
    ("attn_norm", "input_layernorm"),
    ("attn_q", "self_attn.q_proj"),
    ("attn_k", "self_attn.k_proj"),
    ("attn_v", "self_attn.v_proj"),
    ("attn_output", "self_attn.o_proj"),
    ("ffn_norm", "post_attention_layernorm"),
    ("ffn_gate", "mlp.gate_proj"),
    ("ffn_up", "mlp.up_proj"),
    ("ffn_down", "mlp.down_proj"),
];

impl Gguf {
    /// The Hugging Face name of a tensor, such as `model.layers.0.self_attn.q_proj.weight`; `None` for
    /// `rope_freqs.weight`, which [`Gguf::config`] takes up. Quantized data goes to `.weight`, `.scales` and
    /// `.biases` of the same stem.
    ///
    /// # Errors
    /// [`Error::UnsupportedModel`] for an architecture other than `llama`, [`Error::Weights`] for a tensor that a
    /// Llama model does not have.
    pub fn hugging_face_name(&self, info: &TensorInfo) -> Result<Option<String>> {
        self.require_llama()?;
        if info.name == ROPE_FREQS {
            return Ok(None);
        }
        let name = llama_name(&info.name);
        let unknown =
            || Error::weights(self.path(), format!("tensor `{}` is no part of a Llama model", info.name));
        name.map(Some).ok_or_else(unknown)
    }
}

/// The Hugging Face name, or `None` for a name that Llama models do not have.
pub(super) fn llama_name(name: &str) -> Option<String> {
    let (stem, suffix) = name.rsplit_once('.')?;
    if suffix != "weight" && suffix != "bias" {
        return None;
    }
    let Some((layer, stem)) = stem.strip_prefix("blk.").and_then(|rest| rest.split_once('.')) else {
        return Some(format!("{}.{suffix}", find(&MODEL, stem)?));
    };
    // `blk.00` or `blk.+0` would be a second name for the same layer.
    let layer = layer.parse::<usize>().ok().filter(|number| number.to_string() == layer)?;
    Some(format!("model.layers.{layer}.{}.{suffix}", find(&LAYER, stem)?))
}

fn find(table: &[(&str, &'static str)], stem: &str) -> Option<&'static str> {
    table.iter().find(|(gguf, _)| *gguf == stem).map(|(_, hugging_face)| *hugging_face)
}
