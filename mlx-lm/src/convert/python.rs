//! What Python mlx-lm wants to find in `config.json`, and files leave out or call otherwise.
//!
//! transformers leaves out fields that have its defaults, and version 5 has new names for some; Python mlx-lm knows the
//! defaults of few models, and the new names of fewer. Whatever the file says stays as it is, or at least means the same.

use crate::config::{ModelConfig, NESTED};
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// Language models that Python mlx-lm knows by another name, or by that of the model around them, whose fields may lie at the top.
const WRAPPED: [(&str, &str); 3] =
    [("qwen3_5_text", "qwen3_5"), ("qwen3_5_moe_text", "qwen3_5_moe"), ("youtu", "youtu_llm")];

/// Adds what is missing; `tied` says that the model has no head besides its embedding.
pub(super) fn complete(config: &ModelConfig, tied: bool, file: &mut BTreeMap<String, Value>) {
    let (normal, older) = config.normalized();
    let mut missing: Map<String, Value> =
        normal.iter().filter(|(_, value)| is_plain(value)).map(own).collect();
    for (old, new) in older {
        if let Some(value) = normal.get(*new) {
            missing.insert((*old).into(), value.clone());
        }
    }
    missing.entry("tie_word_embeddings").or_insert(tied.into());
    missing.extend(rotary_embeddings(config, normal));
    missing.extend(only_python_has(config, normal));
    if let Some((_, wrapper)) =
        WRAPPED.iter().find(|(inner, _)| file.get("model_type").is_some_and(|kind| kind == inner))
    {
        file.insert("model_type".into(), (*wrapper).into());
    }
    if let Some((name, value)) = reworded(config, normal) {
        missing.remove(name);
        file.insert(name.into(), value);
    }
    let nested = NESTED.iter().find(|key| file.get(**key).is_some_and(Value::is_object));
    match nested.and_then(|key| file.get_mut(*key)).and_then(Value::as_object_mut) {
        Some(nested) => {
            // What is said outside goes before what is said inside.
            nested.extend(missing.remove_entry("tie_word_embeddings"));
            for (name, value) in missing {
                put(nested.entry(name).or_insert(Value::Null), value);
            }
            name_scaling(nested.get_mut("rope_scaling"));
        }
        None => {
            for (name, value) in missing {
                put(file.entry(name).or_insert(Value::Null), value);
            }
            name_scaling(file.get_mut("rope_scaling"));
        }
    }
}

/// What is null says as little as what is not there.
fn put(place: &mut Value, value: Value) {
    if place.is_null() {
        *place = value;
    }
}

/// Gives a scaling of rotary embeddings its kind by the older name, too.
fn name_scaling(scaling: Option<&mut Value>) {
    if let Some(Value::Object(scaling)) = scaling
        && let Some(kind) = scaling.get("rope_type").cloned()
    {
        scaling.entry("type").or_insert(kind);
    }
}

fn own((name, value): (&String, &Value)) -> (String, Value) {
    (name.clone(), value.clone())
}

/// Fields of the one form that models read have the meaning of the same names in files if they are plain, but for kinds of
/// layers and rotary embeddings.
fn is_plain(value: &Value) -> bool {
    !matches!(value, Value::Array(_) | Value::Object(_) | Value::Null)
}

/// The names of transformers 4 for what version 5 has in `rope_parameters`. They have no form for a scaling of each kind of
/// layers.
fn rotary_embeddings(config: &ModelConfig, normal: &Map<String, Value>) -> Map<String, Value> {
    let mut found = Map::new();
    let kinds = normal.get("rope_parameters").and_then(Value::as_object);
    let Some(kinds) = kinds else { return found };
    let Some(rope) = kinds.get("full_attention").and_then(Value::as_object) else { return found };
    found.extend(rope.get("rope_theta").map(|theta| ("rope_theta".into(), theta.clone())));
    // Outside, it would be said of all kinds of layers.
    const PART: &str = "partial_rotary_factor";
    if kinds.values().all(|kind| kind.get(PART) == rope.get(PART)) {
        found.extend(rope.get(PART).map(|part| (PART.into(), part.clone())));
    }
    if let Some(local) = kinds.get("sliding_attention").and_then(|sliding| sliding.get("rope_theta")) {
        found.insert("rope_local_base_freq".into(), local.clone());
    }
    if config.scales_full_layers_only() || kinds.values().all(|other| other.as_object() == Some(rope)) {
        // These are of the one form that models read; of the second, a linear scaling knows nothing.
        let linear = rope.get("rope_type").is_some_and(|kind| kind == "linear");
        let needed = |name: &str| match name {
            "rope_theta" | "max_position_embeddings" => false,
            "original_max_position_embeddings" => !linear,
            _ => true,
        };
        let scaling = rope.iter().filter(|(name, _)| needed(name)).map(own).collect();
        let scaled = rope.get("rope_type").is_some_and(|kind| kind != "default");
        found.insert("rope_scaling".into(), if scaled { Value::Object(scaling) } else { Value::Null });
    }
    found
}

/// What Python mlx-lm wants said of kinds of layers in words that transformers has no more, or never had; and what is no
/// longer to be done to the weights.
fn reworded(config: &ModelConfig, normal: &Map<String, Value>) -> Option<(&'static str, Value)> {
    let types = normal.get("layer_types").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    match config.model_type.as_str() {
        "granitemoehybrid" => {
            let older = |kind: &Value| if kind == "linear_attention" { "mamba" } else { "attention" };
            Some(("layer_types", types.iter().map(older).collect()))
        }
        "exaone4" => {
            let slides = |kind: &Value| kind == "sliding_attention";
            let word: String = types.iter().map(|kind| if slides(kind) { 'L' } else { 'G' }).collect();
            Some(("sliding_window_pattern", types.iter().any(slides).then_some(word).into()))
        }
        "falcon_h1" => Some(("key_multiplier", 1.0.into())),
        "bailing_moe" if normal.get("norm_head") == Some(&true.into()) => Some(("norm_head", false.into())),
        _ => None,
    }
}

/// Fields that follow from others, by model type.
fn only_python_has(config: &ModelConfig, normal: &Map<String, Value>) -> Map<String, Value> {
    let number = |name: &str| normal.get(name).cloned().unwrap_or_default();
    let types = normal.get("layer_types").cloned().unwrap_or_default();
    let listed = types.as_array().map(Vec::as_slice).unwrap_or_default();
    let added = match config.model_type.as_str() {
        "apertus" => json!({ "mlp_bias": false, "post_norm": false, "qk_norm": true }),
        "exaone_moe" => {
            let kinds = normal.get("mlp_layer_types").and_then(Value::as_array);
            let first =
                normal.get("first_k_dense_replace").and_then(Value::as_u64).unwrap_or_default() as usize;
            let sparse = |i: usize| {
                kinds.map_or(i >= first, |kinds| kinds.get(i).is_some_and(|kind| kind == "sparse"))
            };
            json!({ "is_moe_layer": (0..listed.len()).map(sparse).collect::<Vec<_>>(), "layer_types": types })
        }
        "gpt2" => json!({ "n_ctx": number("max_position_embeddings") }),
        "gpt_neox" => {
            let rope = &normal["rope_parameters"]["full_attention"];
            json!({ "rotary_emb_base": rope["rope_theta"], "rotary_pct": rope["partial_rotary_factor"] })
        }
        "lfm2" => json!({ "block_dim": number("hidden_size"), "layer_types": types }),
        "mamba2" => {
            let size = |name: &str| normal.get(name).and_then(Value::as_u64).unwrap_or_default();
            json!({ "intermediate_size": size("num_heads").saturating_mul(size("head_dim")) })
        }
        "minimax_m2" => json!({ "shared_intermediate_size": 0 }),
        kind if kind.starts_with("qwen3_next") || kind.starts_with("qwen3_5") => {
            let first = listed.iter().position(|kind| kind == "full_attention");
            json!({ "full_attention_interval": first.map_or(listed.len() + 1, |first| first + 1), "mlp_only_layers": [] })
        }
        // Python mlx-lm looks for the first layer of each kind.
        _ if ["sliding_attention", "full_attention"]
            .iter()
            .all(|kind| listed.iter().any(|own| own == kind)) =>
        {
            json!({ "layer_types": types })
        }
        _ => json!({}),
    };
    let mut added = added.as_object().cloned().unwrap_or_default();
    if ["exaone4", "exaone_moe", "qwen3_moe"].contains(&config.model_type.as_str()) {
        let size = |name: &str| normal.get(name).and_then(Value::as_u64);
        let own =
            size("hidden_size").zip(size("num_attention_heads")).map(|(hidden, heads)| hidden / heads.max(1));
        added.insert("head_dim".into(), size("head_dim").or(own).into());
    }
    added
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Error, Result};
    use std::{fs, path::Path};

    /// What is added says nothing else than the file, in whatever dialect it is.
    #[test]
    fn complete_files_mean_the_same() -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/golden/transformers.json");
        let text = fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
        let fixture: Value = serde_json::from_str(&text).expect("JSON");
        for model in fixture["models"].as_array().into_iter().flatten() {
            for file in ["config", "config_4"]
                .map(|dialect| &model[dialect])
                .into_iter()
                .filter(|file| !file.is_null())
            {
                let config = ModelConfig::parse(Path::new("config.json"), &file.to_string())?;
                let mut completed = file.as_object().cloned().unwrap_or_default().into_iter().collect();
                complete(&config, true, &mut completed);
                let again = ModelConfig::parse(Path::new("config.json"), &json!(completed).to_string())?;
                let ((before, _), (after, _)) = (config.normalized(), again.normalized());
                // Models read what is in `rope_parameters` and `layer_types`, and those without such layers any size; keys
                // are multiplied when they are converted.
                const UNREAD: [&str; 7] = [
                    "key_multiplier",
                    "model_type",
                    "sliding_window_pattern",
                    "rope_theta",
                    "rope_local_base_freq",
                    "partial_rotary_factor",
                    "full_attention_interval",
                ];
                let unread = |name: &str| {
                    UNREAD.contains(&name) || config.model_type == "mamba2" && name == "intermediate_size"
                };
                for (name, value) in before.iter().filter(|(name, _)| !unread(name)) {
                    assert_eq!(after.get(name), Some(value), "{}: {name}", model["name"]);
                }
            }
        }
        Ok(())
    }
}
