//! How `config.json` says that a model's weights are quantized.

use std::collections::BTreeMap;
use std::path::Path;

use mlx::nn::{Mode, Quantization};
use serde_json::{Map, Value};

use crate::{Error, Result, weights::Foreign};

/// The quantization of a model: what holds where nothing else is said, and what is said of single modules.
///
/// A module listed neither way is quantized when its `.scales` are among the weights.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QuantizationConfig {
    /// For modules without an entry; `None` when the model is not quantized.
    pub default: Option<Quantization>,
    /// By module path; `None` for a module that is kept as it is.
    pub overrides: BTreeMap<String, Option<Quantization>>,
    /// The other program whose format the weights have.
    pub foreign: Option<Foreign>,
}

impl QuantizationConfig {
    /// The settings of the module at `path`; `None` when it is not quantized.
    pub fn of(&self, path: &str) -> Option<Quantization> {
        self.overrides.get(path).copied().unwrap_or(self.default)
    }

    /// Reads the `quantization` block, which may be named `quantization_config` and may sit in `text_config`.
    ///
    /// # Errors
    /// [`Error::UnsupportedQuantization`] for another program's format, or a mode, a number of bits or a group size
    /// that MLX lacks; [`Error::Config`], at `path`, when the block is malformed.
    pub fn from_config(path: &Path, json: &Value) -> Result<Self> {
        let places = [Some(json), json.get("text_config")];
        let find = |key: &str| {
            places.into_iter().flatten().find_map(|place| place.get(key).filter(|v| !v.is_null()))
        };
        let (key, block) = match (find("quantization"), find("quantization_config")) {
            (Some(block), _) => ("quantization", block),
            (None, Some(block)) => ("quantization_config", block),
            (None, None) => return Ok(QuantizationConfig::default()),
        };
        let Some(block) = block.as_object() else {
            return Err(Error::config(path, format!("`{key}` is {block}, expected an object")));
        };
        if let Some(method) = block.get("quant_method").filter(|_| key == "quantization_config") {
            let method = method.as_str().map_or_else(|| method.to_string(), str::to_owned);
            let why = match Foreign::parse(&method, block) {
                Ok(Some(foreign)) => {
                    return Ok(QuantizationConfig {
                        foreign: Some(foreign),
                        ..QuantizationConfig::default()
                    });
                }
                Ok(None) => String::new(),
                Err(why) => format!(" ({why})"),
            };
            return Err(Error::UnsupportedQuantization(format!(
                "`{method}`{why} (`quant_method` in {}); convert the original model with mlx-lm, or take one from \
                 mlx-community",
                path.display()
            )));
        }
        Reader { path, key }.block(block)
    }
}

/// Reads settings, with the place for messages.
struct Reader<'a> {
    path: &'a Path,
    key: &'a str,
}

impl Reader<'_> {
    fn block(&self, block: &Map<String, Value>) -> Result<QuantizationConfig> {
        let default = self.settings("", block)?;
        let mut overrides = BTreeMap::new();
        for (module, value) in block {
            let settings = match value {
                Value::Object(entry) => Some(self.settings(module, entry)?),
                Value::Bool(true) => Some(default),
                Value::Bool(false) => None,
                // `bits` and its like, and notes of other programs.
                _ => continue,
            };
            overrides.insert(module.clone(), settings);
        }
        Ok(QuantizationConfig { default: Some(default), overrides, foreign: None })
    }

    /// `{"group_size", "bits", "mode"}`; what is absent or null is the mode's default.
    fn settings(&self, module: &str, entry: &Map<String, Value>) -> Result<Quantization> {
        let mode = self.mode(module, entry)?;
        Ok(Quantization {
            group_size: self.one_of(module, entry, "group_size", mode, mode.group_sizes())?,
            bits: self.one_of(module, entry, "bits", mode, mode.bits())?,
            mode,
        })
    }

    fn mode(&self, module: &str, entry: &Map<String, Value>) -> Result<Mode> {
        let name = match entry.get("mode") {
            None | Some(Value::Null) => return Ok(Mode::Affine),
            Some(name) => name,
        };
        name.as_str().and_then(Mode::from_name).ok_or_else(|| {
            let names = Mode::ALL.map(Mode::name).join(", ");
            self.unsupported(module, format!("mode {name}; MLX has {names}"))
        })
    }

    fn one_of(
        &self,
        module: &str,
        entry: &Map<String, Value>,
        field: &str,
        mode: Mode,
        allowed: &[i32],
    ) -> Result<i32> {
        let value = match entry.get(field) {
            None | Some(Value::Null) => return Ok(allowed[0]),
            Some(value) => value,
        };
        let known = allowed.iter().copied().find(|&known| value.as_i64() == Some(known.into()));
        known.ok_or_else(|| {
            self.unsupported(module, format!("{field} {value}; {} allows {allowed:?}", mode.name()))
        })
    }

    fn unsupported(&self, module: &str, what: String) -> Error {
        let Reader { path, key } = self;
        let place = if module.is_empty() { format!("`{key}`") } else { format!("`{key}.{module}`") };
        Error::UnsupportedQuantization(format!("{place} in {}: {what}", path.display()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<QuantizationConfig> {
        QuantizationConfig::from_config(Path::new("config.json"), &serde_json::from_str(text).unwrap())
    }

    fn settings(group_size: i32, bits: i32, mode: Mode) -> Option<Quantization> {
        Some(Quantization { group_size, bits, mode })
    }

    #[test]
    fn blocks_as_checkpoints_write_them() {
        use Mode::{Affine, Mxfp4, Mxfp8, Nvfp4};
        for (text, default) in [
            ("{}", None),
            (r#"{"quantization": null}"#, None),
            (r#"{"quantization": {"group_size": 64, "bits": 4}}"#, settings(64, 4, Affine)),
            (r#"{"quantization": {"group_size": 32, "bits": 1, "mode": "affine"}}"#, settings(32, 1, Affine)),
            (r#"{"quantization": {"group_size": null, "bits": 3}}"#, settings(64, 3, Affine)),
            (r#"{"quantization": {"group_size": 32, "bits": 4, "mode": "mxfp4"}}"#, settings(32, 4, Mxfp4)),
            (r#"{"quantization": {"mode": "nvfp4"}}"#, settings(16, 4, Nvfp4)),
            (r#"{"quantization": {"mode": "mxfp8"}}"#, settings(32, 8, Mxfp8)),
            (r#"{"quantization_config": {"group_size": 128, "bits": 8}}"#, settings(128, 8, Affine)),
            (r#"{"text_config": {"quantization": {"group_size": 64, "bits": 6}}}"#, settings(64, 6, Affine)),
            (
                r#"{"quantization": {"bits": 5}, "quantization_config": {"quant_method": "fp8"}}"#,
                settings(64, 5, Affine),
            ),
        ] {
            assert_eq!(read(text).unwrap().default, default, "{text}");
        }
    }

    #[test]
    fn single_modules_differ() {
        let quantization = read(
            r#"{"quantization": {"group_size": 64, "bits": 4, "lm_head": false, "model.embed_tokens": true,
                "model.layers.0.mlp.gate": {"group_size": null, "bits": 8},
                "model.layers.0.mlp.experts": {"group_size": 32, "bits": 4, "mode": "mxfp4"}}}"#,
        )
        .unwrap();
        for (module, expected) in [
            ("lm_head", None),
            ("model.embed_tokens", settings(64, 4, Mode::Affine)),
            ("model.layers.0.mlp.gate", settings(64, 8, Mode::Affine)),
            ("model.layers.0.mlp.experts", settings(32, 4, Mode::Mxfp4)),
            ("model.layers.1.mlp.gate", settings(64, 4, Mode::Affine)),
        ] {
            assert_eq!(quantization.of(module), expected, "{module}");
        }
    }

    #[test]
    fn what_mlx_lacks_is_named() {
        for (text, message) in [
            (r#"{"quantization_config": {"quant_method": "bitsandbytes"}}"#, "`bitsandbytes`"),
            (
                r#"{"text_config": {"quantization_config": {"quant_method": "awq", "bits": 8}}}"#,
                "`awq` (8-bit",
            ),
            (
                r#"{"quantization_config": {"quant_method": "awq", "version": "GEMV_fast"}}"#,
                "version `gemv_fast`",
            ),
            (r#"{"quantization_config": {"quant_method": "awq", "version": "marlin"}}"#, "version `marlin`"),
            (r#"{"quantization_config": {"quant_method": "marlin"}}"#, "`marlin` (`quant_method` in"),
            (
                r#"{"quantization_config": {"quant_method": "gptq", "is_marlin_format": true}}"#,
                "format `marlin`",
            ),
            (
                r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "marlin-24"}}"#,
                "format `marlin-24`",
            ),
            (
                r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "mixed-precision",
                    "config_groups": {"group_0": {"format": "mxfp6-pack-quantized"}}}}"#,
                "format `mxfp6-pack-quantized`",
            ),
            (
                r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "float-quantized",
                    "sparsity_config": {"format": "sparse-24-bitmask", "sparsity_structure": "2:4"}}}"#,
                "sparse, format `sparse-24-bitmask`",
            ),
            (
                r#"{"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized",
                    "transform_config": {"config_groups": {"u": {"type": "hadamard"}}}}}"#,
                "rotated",
            ),
            (r#"{"quantization_config": {"quant_method": "gptq", "bits": 5}}"#, "`gptq` (5-bit"),
            (
                r#"{"quantization_config": {"quant_method": "modelopt", "quant_algo": "W4A8_AWQ"}}"#,
                "algorithm `W4A8_AWQ`",
            ),
            (
                r#"{"quantization_config": {"quant_method": "modelopt", "quantization": {"quant_algo":
                    "MIXED_PRECISION", "quantized_layers": {"lm_head": {"quant_algo": "W4A16_AWQ"}}}}}"#,
                "algorithm `W4A16_AWQ`",
            ),
            (r#"{"quantization": {"mode": "fp5"}}"#, r#"mode "fp5"; MLX has affine, mxfp4"#),
            (r#"{"quantization": {"bits": 7}}"#, "bits 7; affine allows"),
            (r#"{"quantization": {"bits": 0}}"#, "bits 0"),
            (r#"{"quantization": {"group_size": 0}}"#, "group_size 0"),
            (r#"{"quantization": {"group_size": -64}}"#, "group_size -64"),
            (r#"{"quantization": {"group_size": 64, "mode": "mxfp4"}}"#, "group_size 64; mxfp4 allows [32]"),
            (
                r#"{"quantization": {"bits": 4, "lm_head": {"bits": "8"}}}"#,
                "`quantization.lm_head` in config.json",
            ),
        ] {
            let error = read(text).unwrap_err();
            assert!(matches!(error, Error::UnsupportedQuantization(_)), "{text}: {error:?}");
            assert!(error.to_string().contains(message), "{text}: {error}");
        }
        assert!(matches!(read(r#"{"quantization": [4]}"#), Err(Error::Config { .. })));
    }
}
