//! The layout that Python mlx-lm has for a checkpoint, made of the one that transformers has.
//!
//! Of most architectures both are the same, or Python takes the original names. What differs are experts, which are
//! numbered or fused in one and stacked in the other, and a few names.

use crate::{
    Result,
    config::ModelConfig,
    models::{self, blocks},
};
use mlx::{Array, Loader};
use serde::Deserialize;
use std::collections::BTreeMap;

type Tensors = BTreeMap<String, Array>;

#[derive(Deserialize)]
struct Shape {
    num_hidden_layers: Option<usize>,
    #[serde(default)]
    tie_word_embeddings: bool,
}

/// Buffers that GPT-2 and GPT-NeoX carry along, and tables that follow from the configuration.
const BUFFERS: &[&str] =
    &[".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rope.inv_freq"];

/// The tensors as Python mlx-lm has them, without those that a language model has no use for: other modalities, layers that
/// predict further tokens, a head that is tied.
pub(super) fn arrange(config: &ModelConfig, tensors: Tensors) -> Result<Tensors> {
    let shape: Shape = config.args()?;
    let weights = Loader::new(tensors);
    weights.ignore(|path| {
        models::is_unused(path)
            || BUFFERS.iter().any(|name| path.ends_with(name))
            || path.starts_with("mtp.")
            || path.starts_with("model.mtp.")
            || (shape.tie_word_embeddings && is_head(path))
    });
    if let Some(count) = shape.num_hidden_layers {
        blocks::drop_layers_from(&weights, count);
    }
    match config.model_type.as_str() {
        "gpt_oss" => models::gpt_oss::unpack_experts(&weights)?,
        "dots1" => blocks::stack_numbered(&weights, "mlp.experts")?,
        "gpt2" => arrange_gpt2(&weights)?,
        "gpt_neox" => arrange_gpt_neox(&weights)?,
        _ => stack_experts(&weights)?,
    }
    let mut arranged = Tensors::new();
    weights.edit(|tensors| {
        arranged = std::mem::take(tensors);
        Ok(())
    })?;
    Ok(arranged)
}

fn is_head(path: &str) -> bool {
    path.starts_with("lm_head.") || path.starts_with("language_model.lm_head.")
}

/// Makes `switch_mlp` of experts that are numbered or fused, wherever they stand.
fn stack_experts(weights: &Loader) -> mlx::Result<()> {
    for list in ["mlp.experts", "block_sparse_moe.experts", "feed_forward.experts"] {
        blocks::stack_numbered(weights, list)?;
    }
    weights.edit(|tensors| {
        let names: Vec<String> = tensors.keys().filter(|path| path.contains(".experts.")).cloned().collect();
        for path in names {
            let Some(array) = tensors.remove(&path) else { continue };
            let (stem, rest) = path.split_once(".experts.").unwrap_or((&path, ""));
            match rest {
                "gate_up_proj" => {
                    for (half, name) in array.split(2, -2)?.into_iter().zip(["gate_proj", "up_proj"]) {
                        tensors.insert(format!("{stem}.switch_mlp.{name}.weight"), half);
                    }
                }
                "down_proj" => {
                    tensors.insert(format!("{stem}.switch_mlp.down_proj.weight"), array);
                }
                _ => {
                    let (layer, part) = rest.split_once('.').unwrap_or((rest, ""));
                    let layer = match layer {
                        "w1" => "gate_proj",
                        "w2" => "down_proj",
                        "w3" => "up_proj",
                        other => other,
                    };
                    tensors.insert(format!("{stem}.switch_mlp.{layer}.{part}"), array);
                }
            }
        }
        Ok(())
    })
}

/// transformers transposes the matrices of GPT-2 and leaves out the first part of the names.
fn arrange_gpt2(weights: &Loader) -> mlx::Result<()> {
    let prefixed = weights.at("model.wte.weight").peek().is_some();
    weights.rename(|path| match path.strip_prefix("transformer.").unwrap_or(path) {
        path if path.starts_with("model.") => path.to_owned(),
        path => format!("model.{path}"),
    })?;
    weights.edit(|tensors| {
        let is_matrix = |path: &str| path.contains(".c_") && path.ends_with(".weight");
        for (_, matrix) in tensors.iter_mut().filter(|(path, _)| !prefixed && is_matrix(path)) {
            *matrix = matrix.t()?;
        }
        Ok(())
    })
}

fn arrange_gpt_neox(weights: &Loader) -> mlx::Result<()> {
    weights.rename(|path| {
        if path.starts_with("model.") {
            return path.to_owned();
        }
        let path = path.replace("gpt_neox.layers.", "h.");
        format!("model.{}", path.strip_prefix("gpt_neox.").unwrap_or(&path))
    })
}

/// Whether the layer at `path`, whose `weight` has so many axes, multiplies by it, and so can have it quantized.
pub(super) fn is_matrix(path: &str, axes: usize) -> bool {
    let last = path.rsplit('.').next().unwrap_or(path);
    let stacked = ["switch_mlp", "experts", "embed_q", "unembed_out"];
    match axes {
        _ if last.contains("norm") || path.contains("layernorm") || last.contains("conv") => false,
        2 => true,
        3 => path.split('.').any(|part| stacked.contains(&part)),
        _ => false,
    }
}
