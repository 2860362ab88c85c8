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
    shared_intermediate_size: Option<i32>,
    #[serde(default)]
    norm_head: bool,
}

/// Buffers that GPT-2 and GPT-NeoX carry along, and tables that follow from the configuration.
const BUFFERS: &[&str] =
    &[".attn.bias", ".attn.masked_bias", ".attention.bias", ".attention.masked_bias", "rope.inv_freq"];

/// The tensors as Python mlx-lm has them, without those that a language model has no use for: other modalities, layers that
/// predict further tokens, a head that is tied.
pub(super) fn arrange(config: &ModelConfig, tensors: Tensors) -> Result<Tensors> {
    let shape: Shape = config.args()?;
    let weights = Loader::new(tensors);
    if config.model_type.starts_with("qwen3_next") || config.model_type.starts_with("qwen3_5") {
        models::qwen3_next::shift_original_norms(&weights)?;
    }
    if config.model_type == "falcon_h1" {
        models::falcon_h1::multiply_all(
            &config.args_with([("tie_word_embeddings", false.into())])?,
            &weights,
        )?;
    }
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
    blocks::orient_convolutions(&weights)?;
    match config.model_type.as_str() {
        "gemma4_text" => {
            stack_experts(&weights)?;
            replace(&weights, &[(".switch_mlp.", ".experts.switch_glu.")])?;
        }
        "bailing_moe" => {
            stack_experts(&weights)?;
            replace(&weights, &[(".mlp.gate.weight", ".mlp.gate.gate_proj.weight")])?;
            if shape.norm_head {
                models::bailing_moe::normalize_head(&weights)?;
            }
        }
        "apertus" => models::apertus::shape_activations(&weights, &[])?,
        "granitemoe" | "granitemoehybrid" => {
            arrange_granite(&weights, shape.shared_intermediate_size.unwrap_or(0))?
        }
        "lfm2_moe" => {
            stack_experts(&weights)?;
            let names = [(".w1.", ".gate_proj."), (".w2.", ".down_proj."), (".w3.", ".up_proj.")];
            replace(&weights, &names)?;
        }
        "minimax_m2" => {
            replace(&weights, &[(".mlp.", ".block_sparse_moe.")])?;
            stack_experts(&weights)?;
        }
        "nemotron_h" => arrange_nemotron(&weights)?,
        "qwen3_vl_moe_text" => {
            models::qwen3_moe::orient_experts(&config.args()?, &weights)?;
            stack_experts(&weights)?;
        }
        "gpt_oss" => models::gpt_oss::unpack_experts(&weights)?,
        "dots1" => blocks::stack_numbered(&weights, "mlp.experts")?,
        "gpt2" => arrange_gpt2(&weights)?,
        "gpt_neox" => arrange_gpt_neox(&weights)?,
        "deepseek_v3" | "glm4_moe_lite" => {
            stack_experts(&weights)?;
            split_latents(&weights, &config.args()?)?;
        }
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
        // Those of Gemma 4 are stacked under a name of their own.
        let is_expert = |path: &str| path.contains(".experts.") && !path.contains(".experts.switch_glu.");
        let names: Vec<String> = tensors.keys().filter(|path| is_expert(path)).cloned().collect();
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

/// What takes keys and values out of their latent.
#[derive(Deserialize)]
struct Latents {
    num_attention_heads: i32,
    qk_nope_head_dim: i32,
    kv_lora_rank: i32,
}

/// Takes apart the dense `kv_b_proj` of keys and values; a quantized one is Python's to take apart.
fn split_latents(weights: &Loader, dims: &Latents) -> mlx::Result<()> {
    weights.edit(|tensors| {
        let end = ".kv_b_proj.weight";
        let names: Vec<String> = tensors.keys().filter(|path| path.ends_with(end)).cloned().collect();
        for name in names {
            let path = name.trim_end_matches(end);
            if tensors.contains_key(&format!("{path}.kv_b_proj.scales")) {
                continue;
            }
            let Some(both) = tensors.remove(&name) else { continue };
            let both = both.reshape([dims.num_attention_heads, -1, dims.kv_lora_rank])?;
            let keys = both.at((.., ..dims.qk_nope_head_dim))?.swapaxes(-1, -2)?;
            tensors.insert(format!("{path}.embed_q.weight"), keys);
            tensors.insert(format!("{path}.unembed_out.weight"), both.at((.., dims.qk_nope_head_dim..))?);
        }
        Ok(())
    })
}

/// Puts the second of each pair in place of the first, wherever it stands in a path.
fn replace(weights: &Loader, names: &[(&str, &str)]) -> mlx::Result<()> {
    weights.rename(|path| names.iter().fold(path.to_owned(), |path, (old, new)| path.replace(old, new)))
}

/// Granite fuses gates with what they gate, and calls the feed-forward layers of its dense models shared.
fn arrange_granite(weights: &Loader, shared: i32) -> mlx::Result<()> {
    let experts = [
        (".block_sparse_moe.input_linear.weight", ".block_sparse_moe.experts.gate_up_proj"),
        (".block_sparse_moe.output_linear.weight", ".block_sparse_moe.experts.down_proj"),
        (".block_sparse_moe.router.weight", ".block_sparse_moe.router.layer.weight"),
    ];
    replace(weights, &experts)?;
    stack_experts(weights)?;
    let mut sparse = false;
    weights.edit(|tensors| {
        sparse = tensors.keys().any(|path| path.contains(".block_sparse_moe."));
        Ok(())
    })?;
    if sparse {
        return Ok(());
    }
    let halves = [("mlp.gate_proj", shared), ("mlp.up_proj", shared)];
    blocks::split_rows(weights, "shared_mlp.input_linear", 1, &halves)?;
    replace(weights, &[(".shared_mlp.output_linear.", ".mlp.down_proj.")])
}

/// Experts of Nemotron have no gates, and Python mlx-lm numbers their layers.
fn arrange_nemotron(weights: &Loader) -> mlx::Result<()> {
    blocks::stack_numbered(weights, "mixer.experts")?;
    weights.rename(|path| {
        // As transformers holds it in memory.
        let path = path.strip_prefix("model.").map_or(path.to_owned(), |rest| format!("backbone.{rest}"));
        let path = path.as_str();
        let Some((stem, rest)) = path.split_once(".mixer.experts.") else { return path.to_owned() };
        let (layer, part) = rest.split_once('.').unwrap_or((rest, "weight"));
        let layer = if layer == "up_proj" { "fc1" } else { "fc2" };
        format!("{stem}.mixer.switch_mlp.{layer}.{part}")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, ModelConfig};
    use mlx::{Dtype, zeros};
    use serde_json::Value;
    use std::{fs, path::Path};

    #[test]
    fn what_transformers_saves_is_a_model_when_arranged() -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/transformers.json");
        let text = fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
        let fixture: Value = serde_json::from_str(&text).expect("JSON");
        for model in fixture["models"].as_array().into_iter().flatten() {
            let config = ModelConfig::parse(Path::new("config.json"), &model["config"].to_string())?;
            let shapes: BTreeMap<String, Vec<i32>> =
                serde_json::from_value(model["tensors"].clone()).expect("shapes");
            let tensors = shapes.into_iter().map(|(name, shape)| (name, zeros(&shape, Dtype::F32)));
            let arranged = arrange(&config, tensors.collect())?;
            let left = arranged.keys().find(|path| {
                let mut parts = path.split('.').skip_while(|part| *part != "experts").skip(1);
                path.ends_with("_proj") || parts.next().is_some_and(|part| part.parse::<u32>().is_ok())
            });
            assert_eq!(left, None, "{}", model["name"]);
            let built = models::build(&config, &Loader::new(arranged));
            assert!(built.is_ok(), "{}: {:?}", model["name"], built.err());
        }
        Ok(())
    }
}
