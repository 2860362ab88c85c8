//! The `config.json` of a converted model, as Python mlx-lm writes it.

use super::{ConvertOptions, WeightChange, python};
use crate::{Error, Result, config::ModelConfig, models::HEADS};
use mlx::{Dtype, nn::Quantization};
use serde_json::{Map, Value, json};
use std::{collections::BTreeMap, fs, path::Path};

/// What a dtype is called.
const NAMES: [(&str, Dtype); 3] =
    [("float16", Dtype::F16), ("bfloat16", Dtype::Bf16), ("float32", Dtype::F32)];

/// Where files say which type their weights have: transformers 4 and 5.
const DTYPE_KEYS: [&str; 2] = ["torch_dtype", "dtype"];

/// The type that the file says its weights have.
pub(super) fn stored_dtype(json: &Value) -> Option<Dtype> {
    let places = [Some(json), json.get("text_config")];
    let found = places
        .into_iter()
        .flatten()
        .find_map(|place| DTYPE_KEYS.iter().find_map(|key| place.get(*key)?.as_str()))?;
    NAMES.iter().find(|(name, _)| *name == found).map(|(_, dtype)| *dtype)
}

/// The configuration of the model whose matrices are stored as `layers` says.
pub(super) fn converted(
    config: &ModelConfig,
    options: &ConvertOptions,
    layers: &BTreeMap<String, Option<Quantization>>,
) -> Value {
    let mut fields: BTreeMap<String, Value> =
        config.json.as_object().cloned().unwrap_or_default().into_iter().collect();
    let tied = !layers.keys().any(|path| is_head(path));
    python::complete(config, tied, &mut fields);
    for dropped in ["_name_or_path", "vision_config", "quantization", "quantization_config"] {
        fields.remove(dropped);
    }
    if let Some(Value::Object(text)) = fields.get_mut("text_config") {
        text.retain(|name, _| !name.starts_with("quantization"));
    }
    if let Some((name, _)) = NAMES.iter().find(|(_, dtype)| Some(*dtype) == options.dtype) {
        set_dtype(&mut fields, name);
    }
    let default = match &options.weights {
        WeightChange::Quantize(recipe) => config.quantization.default.or(Some(recipe.default_quantization())),
        _ => config.quantization.default,
    };
    if let Some(block) = quantization_block(default, layers) {
        fields.insert("quantization".into(), block.clone());
        fields.insert("quantization_config".into(), block);
    }
    Value::Object(fields.into_iter().collect())
}

/// Whether the layer makes logits.
fn is_head(path: &str) -> bool {
    HEADS.contains(&path.strip_prefix("language_model.").unwrap_or(path))
}

fn set_dtype(fields: &mut BTreeMap<String, Value>, name: &str) {
    for key in DTYPE_KEYS {
        if let Some(value) = fields.get_mut(key) {
            *value = name.into();
        }
        if let Some(value) = fields.get_mut("text_config").and_then(|text| text.get_mut(key)) {
            *value = name.into();
        }
    }
}

/// The default, or else what most layers have, and the layers that differ; nothing if no layer is quantized.
fn quantization_block(
    default: Option<Quantization>,
    layers: &BTreeMap<String, Option<Quantization>>,
) -> Option<Value> {
    let mut counts: Vec<(Quantization, usize)> = vec![];
    for quantization in layers.values().flatten() {
        match counts.iter_mut().find(|(known, _)| known == quantization) {
            Some((_, count)) => *count += 1,
            None => counts.push((*quantization, 1)),
        }
    }
    let (most, _) = *counts.iter().max_by_key(|(_, count)| *count)?;
    let default = default.unwrap_or(most);
    let mut block = settings(default);
    for (path, quantization) in layers {
        if let Some(quantization) = quantization.filter(|quantization| *quantization != default) {
            block.insert(path.clone(), Value::Object(settings(quantization)));
        }
    }
    Some(Value::Object(block))
}

fn settings(quantization: Quantization) -> Map<String, Value> {
    let Quantization { group_size, bits, mode } = quantization;
    let json = json!({ "group_size": group_size, "bits": bits, "mode": mode.name() });
    json.as_object().cloned().unwrap_or_default()
}

/// Indented by four, as Python mlx-lm does.
pub(super) fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text = vec![];
    let indented = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut writer = serde_json::Serializer::with_formatter(&mut text, indented);
    serde::Serialize::serialize(value, &mut writer).map_err(|e| Error::config(path, e))?;
    fs::write(path, text).map_err(|e| Error::io(path, e))
}
