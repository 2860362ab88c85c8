//! The fields of `config.json` that nearly every decoder has.

use super::{
    mlp::{GatedMlp, activation},
    rope::{Rope, RopeParameters},
};
use crate::{Error, Result};
use mlx::nn::{Activation, LayerNorm, RmsNorm};
use serde::Deserialize;
use std::collections::BTreeMap;

/// Sizes, kinds of layers and rotary embeddings of a decoder.
#[derive(Clone, Debug, Deserialize)]
pub struct DecoderConfig {
    /// Number of tokens.
    pub vocab_size: i32,
    /// Features of the residual stream.
    pub hidden_size: i32,
    /// Features inside the feed-forward layers.
    pub intermediate_size: i32,
    hidden_act: Option<String>,
    /// Number of layers.
    pub num_hidden_layers: usize,
    /// Number of query heads.
    pub num_attention_heads: i32,
    num_key_value_heads: Option<i32>,
    head_dim: Option<i32>,
    /// Whether the head is the embedding again.
    pub tie_word_embeddings: bool,
    layer_types: Vec<String>,
    sliding_window: Option<i32>,
    rope_parameters: BTreeMap<String, RopeParameters>,
}

impl DecoderConfig {
    /// Features of a head.
    pub fn head_dim(&self) -> i32 {
        self.head_dim.unwrap_or(self.hidden_size / self.num_attention_heads)
    }

    /// Number of heads of keys and values.
    pub fn kv_heads(&self) -> i32 {
        self.num_key_value_heads.unwrap_or(self.num_attention_heads)
    }

    /// Features of all queries, and of all keys.
    pub fn qk_features(&self) -> (i32, i32) {
        (self.num_attention_heads * self.head_dim(), self.kv_heads() * self.head_dim())
    }

    /// The activation of the feed-forward layers; SiLU where the model does not say.
    ///
    /// # Errors
    /// [`Error::Invalid`] for an unknown one.
    pub fn activation(&self) -> Result<Activation> {
        activation(self.hidden_act.as_deref().unwrap_or("silu"))
    }

    /// Gated feed-forward layers of the model's sizes, without biases.
    ///
    /// # Errors
    /// As [`DecoderConfig::activation`].
    pub fn gated_mlp(&self) -> Result<GatedMlp> {
        Ok(GatedMlp::new(self.hidden_size, self.intermediate_size, self.activation()?))
    }

    /// A norm of the residual stream.
    pub fn rms_norm(&self, eps: f32) -> RmsNorm {
        RmsNorm::new(self.hidden_size, eps)
    }

    /// A norm of the residual stream.
    pub fn layer_norm(&self, eps: f32) -> LayerNorm {
        LayerNorm::new(self.hidden_size).with_eps(eps)
    }

    /// The factor of attention's scores that nearly every model has.
    pub fn attention_scale(&self) -> f32 {
        (self.head_dim() as f32).powf(-0.5)
    }

    /// What kind of layer `layer` is, such as `full_attention`.
    pub fn layer_type(&self, layer: usize) -> &str {
        self.layer_types.get(layer).map_or("full_attention", String::as_str)
    }

    /// Whether `layer` attends to the last tokens only.
    pub fn slides(&self, layer: usize) -> bool {
        self.layer_type(layer) == "sliding_attention"
    }

    /// To how many of the last tokens layers with a window attend.
    pub fn sliding_window(&self) -> Option<i32> {
        self.sliding_window
    }

    /// To how many of the last tokens each layer attends; `None` for all, and for layers that do not attend.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a window that is missing, and an unknown kind of layers.
    pub fn windows(&self) -> Result<Vec<Option<i32>>> {
        let window = |layer| match self.layer_type(layer) {
            "full_attention" | "linear_attention" | "conv" | "mlp" | "moe" => Ok(None),
            "sliding_attention" => match self.sliding_window {
                Some(window) if window > 0 => Ok(Some(window)),
                _ => Err(Error::Invalid(
                    "config.json: `sliding_attention` layers need a `sliding_window`".into(),
                )),
            },
            other => Err(Error::Invalid(format!("config.json: unknown layer type `{other}`"))),
        };
        (0..self.num_hidden_layers).map(window).collect()
    }

    /// Whether no layer computes anything else behind a certain length.
    pub fn is_uniform(&self) -> bool {
        self.rope_parameters.values().all(RopeParameters::is_uniform)
    }

    /// What is known of the rotary embeddings of `layer`.
    ///
    /// # Errors
    /// [`Error::Invalid`] where the layer has none.
    pub fn rope_parameters(&self, layer: usize) -> Result<&RopeParameters> {
        let kind = self.layer_type(layer);
        self.rope_parameters
            .get(kind)
            .ok_or_else(|| Error::Invalid(format!("config.json: no rotary embeddings for `{kind}` layers")))
    }

    /// The rotary embeddings of the heads of `layer`.
    ///
    /// # Errors
    /// As [`Rope::new`].
    pub fn rope(&self, layer: usize) -> Result<Rope> {
        Rope::new(self.head_dim(), self.rope_parameters(layer)?)
    }
}
