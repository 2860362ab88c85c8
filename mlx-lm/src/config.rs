//! `config.json`: what a model says of itself, read as hostile input.

mod dialect;

use std::fs;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::quantization::QuantizationConfig;
use crate::{Error, Result};

/// More than any `config.json` needs.
const MAX_CONFIG_BYTES: u64 = 16 << 20;

/// Objects inside `config.json` that hold the language model's fields in multimodal checkpoints.
pub(crate) const NESTED: [&str; 3] = ["text_config", "language_config", "llm_config"];

/// The integers that size a model, with the range each must be in. A model may divide by, multiply and allocate what
/// passed. Zero stays allowed where checkpoints use it for "none".
const LIMITS: &[(&str, RangeInclusive<u64>)] = &[
    ("altup_num_inputs", 1..=16),
    ("block_multiple_of", 1..=65_536),
    ("conv_L_cache", 1..=256),
    ("conv_kernel", 1..=256),
    ("global_head_dim", 1..=65_536),
    ("head_dim", 1..=65_536),
    ("hidden_size", 1..=1_048_576),
    ("hidden_size_per_layer_input", 0..=65_536),
    ("intermediate_size", 1..=8_388_608),
    ("kv_lora_rank", 0..=1_048_576),
    ("laurel_rank", 1..=65_536),
    ("linear_conv_kernel_dim", 1..=256),
    ("linear_key_head_dim", 1..=4_096),
    ("linear_num_key_heads", 1..=4_096),
    ("linear_num_value_heads", 1..=4_096),
    ("linear_value_head_dim", 1..=4_096),
    ("mamba_d_conv", 1..=256),
    ("mamba_d_ssm", 1..=1_048_576),
    ("mamba_d_state", 1..=4_096),
    ("mamba_expand", 1..=64),
    ("mamba_head_dim", 1..=4_096),
    ("mamba_n_groups", 1..=4_096),
    ("mamba_n_heads", 1..=4_096),
    ("mamba_num_heads", 1..=4_096),
    ("max_position_embeddings", 1..=1 << 30),
    ("moe_intermediate_size", 0..=8_388_608),
    ("moe_latent_size", 1..=1_048_576),
    ("moe_shared_expert_intermediate_size", 0..=8_388_608),
    ("moe_topk", 0..=4_096),
    ("n_group", 0..=4_096),
    ("n_groups", 1..=4_096),
    ("n_routed_experts", 0..=4_096),
    ("n_shared_experts", 0..=4_096),
    ("num_attention_heads", 1..=65_536),
    ("num_experts", 0..=4_096),
    ("num_experts_per_tok", 0..=4_096),
    ("num_global_key_value_heads", 1..=65_536),
    ("num_heads", 1..=4_096),
    ("num_hidden_layers", 1..=1_024),
    ("num_key_value_heads", 1..=65_536),
    ("num_kv_shared_layers", 0..=1_024),
    ("num_local_experts", 0..=4_096),
    ("original_max_position_embeddings", 1..=1 << 30),
    ("q_lora_rank", 0..=1_048_576),
    ("qk_nope_head_dim", 0..=65_536),
    ("qk_rope_head_dim", 0..=65_536),
    ("shared_expert_intermediate_size", 0..=8_388_608),
    ("shared_intermediate_size", 0..=8_388_608),
    ("sliding_window", 0..=1 << 30),
    ("ssm_state_size", 1..=4_096),
    ("state_size", 1..=4_096),
    ("top_k_experts", 0..=4_096),
    ("topk_group", 0..=4_096),
    ("v_head_dim", 0..=65_536),
    ("vocab_size", 1..=2_097_152),
    ("vocab_size_per_layer_input", 1..=2_097_152),
];

/// A model's `config.json`, its sizes within bounds.
#[derive(Debug, Clone)]
pub struct ModelConfig {
    /// The file, for messages.
    pub path: PathBuf,
    /// Everything in it. Non-finite floats are tagged, `{"__float__": "Infinity"}`.
    pub json: Value,
    /// `model_type`, which picks the code: that of the language model, where others are around it.
    pub model_type: String,
    /// The language model's fields in the one form that models read.
    fields: Map<String, Value>,
    /// How its weights are quantized.
    pub quantization: QuantizationConfig,
}

impl ModelConfig {
    /// Reads `config.json` of a model folder.
    ///
    /// # Errors
    /// [`Error::Io`] without a readable file; otherwise as [`ModelConfig::parse`].
    pub fn load(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let mut json = read_json(&path)?;
        let said = ["quantization", "quantization_config"];
        if said.iter().all(|key| json.get(*key).is_none_or(Value::is_null)) {
            json = with_model_optimizer(json, &folder.join("hf_quant_config.json"))?;
        }
        Self::from_json(&path, json)
    }

    /// Reads the text of the `config.json` at `path`.
    ///
    /// # Errors
    /// [`Error::Config`] when it is not JSON, names no `model_type`, or a size is out of bounds;
    /// [`Error::UnsupportedQuantization`] when its weights are stored in a way that is not MLX's.
    pub fn parse(path: &Path, text: &str) -> Result<Self> {
        Self::from_json(path, parse_json(path, text)?)
    }

    fn from_json(path: &Path, json: Value) -> Result<Self> {
        let invalid = |message: String| Error::config(path, message);
        let Some(model_type) = json.get("model_type").and_then(Value::as_str) else {
            return Err(invalid("no `model_type`; this is not a language model's config.json".into()));
        };
        check_limits(&json).map_err(invalid)?;
        let quantization = QuantizationConfig::from_config(path, &json)?;
        let (model_type, fields) = dialect::normalize(&json, model_type).map_err(invalid)?;
        check_limits(&Value::Object(fields.clone())).map_err(invalid)?;
        Ok(ModelConfig { path: path.into(), json, model_type, fields, quantization })
    }

    /// The fields of a model's own configuration struct: those of the file and the model type's defaults, whatever
    /// the dialect of the file.
    ///
    /// # Errors
    /// [`Error::Config`] when a field is missing or of another type.
    pub fn args<T: DeserializeOwned>(&self) -> Result<T> {
        self.args_with([])
    }

    /// [`ModelConfig::args`], with values for fields that the file may lack.
    pub(crate) fn args_with<T: DeserializeOwned>(
        &self,
        otherwise: impl IntoIterator<Item = (&'static str, Value)>,
    ) -> Result<T> {
        let mut fields = self.fields.clone();
        for (name, value) in otherwise {
            fields.entry(name).or_insert(value);
        }
        T::deserialize(Value::Object(fields)).map_err(|e| Error::config(&self.path, e))
    }

    /// The same with another value of one of the language model's fields.
    pub(crate) fn with(&self, key: &str, value: Value) -> ModelConfig {
        let mut config = self.clone();
        config.fields.insert(key.to_owned(), value);
        config
    }

    /// The object of the language model's fields: `text_config` and its like in multimodal checkpoints, else the
    /// whole of the configuration.
    pub fn text(&self) -> &Value {
        NESTED
            .iter()
            .find_map(|key| self.json.get(key).filter(|value| value.is_object()))
            .unwrap_or(&self.json)
    }

    /// A field of the language model in the one form that models read, with the model type's default.
    pub(crate) fn field(&self, key: &str) -> Option<&Value> {
        self.fields.get(key).filter(|value| !value.is_null())
    }

    /// The language model's fields in the one form that models read, and the older names that files have for some.
    pub(crate) fn normalized(
        &self,
    ) -> (&Map<String, Value>, impl Iterator<Item = &'static (&'static str, &'static str)>) {
        (&self.fields, dialect::older_names(&self.model_type))
    }

    /// Whether what a file says of rotary embeddings, in its older form, is for layers that attend to everything.
    pub(crate) fn scales_full_layers_only(&self) -> bool {
        dialect::SCALED_IN_FULL_LAYERS.contains(&self.model_type.as_str())
    }

    /// The integer `key` of [`ModelConfig::text`], `None` when absent or null.
    ///
    /// # Errors
    /// [`Error::Config`] when it is no integer of `range`.
    pub fn integer(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<usize>> {
        bounded(self.text(), key, &range).map_err(|message| Error::config(&self.path, message))
    }
}

fn read_json(path: &Path) -> Result<Value> {
    let bytes = fs::metadata(path).map_err(|e| Error::io(path, e))?.len();
    if bytes > MAX_CONFIG_BYTES {
        return Err(Error::config(path, format!("{bytes} bytes, more than {MAX_CONFIG_BYTES}")));
    }
    parse_json(path, &fs::read_to_string(path).map_err(|e| Error::io(path, e))?)
}

fn parse_json(path: &Path, text: &str) -> Result<Value> {
    serde_json::from_str(&tag_bare_floats(text))
        .map_err(|e| Error::config(path, format!("invalid JSON: {e}")))
}

/// `config` with what NVIDIA's model optimizer says of the weights, in a file beside.
fn with_model_optimizer(mut config: Value, file: &Path) -> Result<Value> {
    if let (true, Some(fields)) = (file.exists(), config.as_object_mut()) {
        let mut said = read_json(file)?;
        if let Some(said) = said.as_object_mut() {
            said.insert("quant_method".into(), "modelopt".into());
        }
        fields.insert("quantization_config".into(), said);
    }
    Ok(config)
}

/// Turns the bare `Infinity`, `-Infinity` and `NaN` that Python writes, and JSON forbids, into their tagged form.
fn tag_bare_floats(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(['"', '-', 'I', 'N']) {
        out.push_str(&rest[..start]);
        rest = &rest[start..];
        let bare = ["-Infinity", "Infinity", "NaN"].into_iter().find(|word| rest.starts_with(word));
        let taken = match bare {
            Some(word) => {
                out.push_str(&format!("{{\"__float__\": \"{word}\"}}"));
                word.len()
            }
            None => {
                let len = if rest.starts_with('"') { string_len(rest) } else { 1 };
                out.push_str(&rest[..len]);
                len
            }
        };
        rest = &rest[taken..];
    }
    out.push_str(rest);
    out
}

/// Bytes of the JSON string that `text` begins with, both quotes included.
fn string_len(text: &str) -> usize {
    let mut escaped = false;
    for (i, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return i + 1,
            _ => {}
        }
    }
    text.len()
}

fn check_limits(json: &Value) -> Result<(), String> {
    for (key, range) in LIMITS {
        bounded(json, key, range)?;
        for nested in NESTED.iter().filter_map(|name| json.get(name)) {
            bounded(nested, key, range)?;
        }
    }
    Ok(())
}

/// The integer `json[key]`; a list of them (one per layer) is checked but not returned.
fn bounded(json: &Value, key: &str, range: &RangeInclusive<u64>) -> Result<Option<usize>, String> {
    let one = |value: &Value| match value.as_u64() {
        Some(integer) if range.contains(&integer) => Ok(integer as usize),
        _ => {
            Err(format!("`{key}` is {value}, expected an integer from {} to {}", range.start(), range.end()))
        }
    };
    match json.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(values)) => {
            values.iter().filter(|v| !v.is_null()).try_for_each(|v| one(v).map(drop)).map(|()| None)
        }
        Some(value) => one(value).map(Some),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<ModelConfig> {
        ModelConfig::parse(Path::new("config.json"), text)
    }

    #[test]
    fn sizes_are_bounded() {
        for (fields, message) in [
            (
                r#""num_hidden_layers": 1025"#,
                "`num_hidden_layers` is 1025, expected an integer from 1 to 1024",
            ),
            (r#""num_attention_heads": 0"#, "`num_attention_heads` is 0"),
            (r#""num_key_value_heads": -8"#, "`num_key_value_heads` is -8"),
            (r#""hidden_size": 1e30"#, "`hidden_size` is 1e"),
            (r#""vocab_size": 18446744073709551616"#, "`vocab_size` is 1.8446744073709552e"),
            (r#""head_dim": "64""#, r#"`head_dim` is "64""#),
            (r#""text_config": {"hidden_size": 0}"#, "`hidden_size` is 0"),
            (r#""intermediate_size": [1024, 0]"#, "`intermediate_size` is 0"),
        ] {
            let error = parse(&format!(r#"{{"model_type": "llama", {fields}}}"#)).unwrap_err().to_string();
            assert!(error.starts_with("config.json: ") && error.contains(message), "{fields}: {error}");
        }
        let fine = r#"{"model_type": "llama", "num_hidden_layers": 1024, "head_dim": null, "intermediate_size": [1, null]}"#;
        let config = parse(fine).unwrap();
        assert_eq!(config.integer("num_hidden_layers", 1..=1024).unwrap(), Some(1024));
        assert_eq!(config.integer("head_dim", 1..=9).unwrap(), None);
        assert!(config.integer("num_hidden_layers", 1..=9).is_err());
    }

    #[test]
    fn what_is_no_model_config_is_refused() {
        for (text, message) in [
            ("", "invalid JSON"),
            ("[]", "no `model_type`"),
            (r#"{"model_type": 3}"#, "no `model_type`"),
            (&"[".repeat(100_000), "recursion limit"),
        ] {
            let error = parse(text).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn non_finite_floats_are_tagged() {
        let text =
            r#"{"model_type": "x", "a": -Infinity, "b": [NaN, -1.5], "text": "\"Infinity\\\" NaN, é"}"#;
        let json = parse(text).unwrap().json;
        assert_eq!(json["a"]["__float__"], "-Infinity");
        assert_eq!(json["b"][0]["__float__"], "NaN");
        assert_eq!(
            (&json["b"][1], &json["text"]),
            (&Value::from(-1.5), &Value::from("\"Infinity\\\" NaN, é"))
        );
    }

    #[test]
    fn text_config_is_where_multimodal_models_keep_theirs() {
        let config = parse(r#"{"model_type": "gemma3", "text_config": {"hidden_size": 640}}"#).unwrap();
        assert_eq!(config.integer("hidden_size", 1..=1000).unwrap(), Some(640));
    }
}
