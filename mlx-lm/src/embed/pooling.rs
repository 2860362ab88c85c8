//! How the vectors of a text's tokens become one, as the files of sentence-transformers say.

use crate::{Error, ModelConfig, Result};
use serde_json::Value;
use std::path::Path;

/// How the vectors of a text's tokens become one.
#[derive(Clone, Debug, PartialEq)]
pub struct Pooling {
    /// Each gives as many numbers as the model has features; they follow one another.
    modes: Vec<Mode>,
    /// Whether the vector is made one long.
    pub(super) normalize: bool,
}

/// A weighted sum of the tokens' vectors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    First,
    Last,
    Mean,
    /// The sum divided by the root of how many there are.
    RootMean,
    /// The mean in which later tokens count more, the n-th n times.
    WeightedMean,
}

/// Names of modes: as lists of them have it, and as fields that are true or false.
const MODES: [(&str, &str, Mode); 5] = [
    ("cls", "pooling_mode_cls_token", Mode::First),
    ("mean", "pooling_mode_mean_tokens", Mode::Mean),
    ("mean_sqrt_len_tokens", "pooling_mode_mean_sqrt_len_tokens", Mode::RootMean),
    ("weightedmean", "pooling_mode_weightedmean_tokens", Mode::WeightedMean),
    ("lasttoken", "pooling_mode_lasttoken", Mode::Last),
];

impl Mode {
    /// The weight of the token at `position` in a text of `length` tokens.
    pub(super) fn weight(self, position: usize, length: usize) -> f32 {
        let count = length as f64;
        let weight = match self {
            _ if position >= length => 0.0,
            Mode::First => f64::from(u8::from(position == 0)),
            Mode::Last => f64::from(u8::from(position + 1 == length)),
            Mode::Mean => 1.0 / count,
            Mode::RootMean => 1.0 / count.sqrt(),
            Mode::WeightedMean => (position + 1) as f64 / (count * (count + 1.0) / 2.0),
        };
        weight as f32
    }
}

impl Pooling {
    /// What `modules.json` and the files it names say of the model whose `config.json` is `config`.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a model without these files, or with steps that are not known here: then it makes no
    /// vectors of texts.
    pub fn of(config: &ModelConfig) -> Result<Pooling> {
        let folder = config.path.parent().filter(|_| config.path.ends_with("config.json"));
        let folder = folder.ok_or_else(|| {
            Error::Invalid("a GGUF file says not how to make a vector of a text; take a folder".into())
        })?;
        for (key, bidirectional) in [("is_causal", false), ("use_bidirectional_attention", true)] {
            if config.json.get(key).and_then(Value::as_bool) == Some(bidirectional) {
                let message = format!(
                    "config.json: `{key}`: its tokens see those behind them, which is not known here"
                );
                return Err(Error::Invalid(message));
            }
        }
        let modules = read(folder, "modules.json")?;
        let modules = modules.as_array().ok_or_else(|| Error::Invalid("modules.json is no list".into()))?;
        let (mut modes, mut normalize) = (vec![], false);
        for module in modules {
            let kind = module["type"].as_str().unwrap_or_default();
            match kind.rsplit('.').next().unwrap_or_default() {
                "Transformer" => {}
                "Pooling" => modes = pooling_modes(folder, module["path"].as_str().unwrap_or_default())?,
                "Normalize" => normalize = true,
                _ => return Err(Error::Invalid(format!("modules.json: a step `{kind}` is not known here"))),
            }
        }
        if modes.is_empty() {
            return Err(Error::Invalid("modules.json names no `Pooling`".into()));
        }
        Ok(Pooling { modes, normalize })
    }

    pub(super) fn modes(&self) -> &[Mode] {
        &self.modes
    }
}

fn pooling_modes(folder: &Path, path: &str) -> Result<Vec<Mode>> {
    // A plain name: what a checkpoint says leads nowhere else.
    if path.is_empty() || path.starts_with('.') || path.contains(['/', '\\', ':']) {
        return Err(Error::Invalid(format!("modules.json: `{path}` is no folder of the model")));
    }
    let file = format!("{path}/config.json");
    let config = read(folder, &file)?;
    let unknown = |name: &str| Error::Invalid(format!("{file}: pooling `{name}` is not known here"));
    let named = match &config["pooling_mode"] {
        Value::String(name) => vec![name.as_str()],
        Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
        _ => vec![],
    };
    if !named.is_empty() {
        let find = |name: &&str| MODES.iter().find(|(known, ..)| known == name);
        return named.iter().map(|name| find(name).map(|row| row.2).ok_or_else(|| unknown(name))).collect();
    }
    let is_on = |(key, value): (&String, &Value)| {
        (key.starts_with("pooling_mode_") && value.as_bool() == Some(true)).then(|| key.clone())
    };
    let on: Vec<String> = config.as_object().into_iter().flatten().filter_map(is_on).collect();
    if let Some(name) = on.iter().find(|key| !MODES.iter().any(|(_, field, _)| field == key)) {
        return Err(unknown(name));
    }
    let modes: Vec<Mode> =
        MODES.iter().filter(|(_, field, _)| on.iter().any(|key| key == field)).map(|row| row.2).collect();
    // What sentence-transformers takes where nothing is said.
    Ok(if modes.is_empty() { vec![Mode::Mean] } else { modes })
}

fn read(folder: &Path, name: &str) -> Result<Value> {
    let path = folder.join(name);
    if !path.is_file() {
        let message = format!("the model has no {name}, which says how to make a vector of a text");
        return Err(Error::Invalid(message));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| Error::io(&path, error))?;
    serde_json::from_str(&text).map_err(|error| Error::config(&path, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// What is made of these files.
    fn pooling(config: Value, modules: Value, pooling: Value) -> Result<Pooling> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join("1_Pooling")).unwrap();
        for (name, value) in [("modules.json", modules), ("1_Pooling/config.json", pooling)] {
            if !value.is_null() {
                std::fs::write(folder.path().join(name), value.to_string()).unwrap();
            }
        }
        Pooling::of(&ModelConfig::parse(&folder.path().join("config.json"), &config.to_string())?)
    }

    fn modules(last: &str) -> Value {
        json!([
            {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
            {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            {"idx": 2, "path": "2", "type": last},
        ])
    }

    #[test]
    fn files_say_how() {
        let config = || json!({"model_type": "qwen3"});
        let normalize = "sentence_transformers.base.modules.Normalize";
        let last = json!({"pooling_mode_mean_tokens": false, "pooling_mode_lasttoken": true, "include_prompt": true});
        let expected = Pooling { modes: vec![Mode::Last], normalize: true };
        assert_eq!(pooling(config(), modules(normalize), last.clone()).unwrap(), expected);
        let both = json!({"pooling_mode": ["cls", "mean"]});
        let found = pooling(config(), modules(normalize), both).unwrap();
        assert_eq!(found.modes, [Mode::First, Mode::Mean]);
        assert_eq!(pooling(config(), modules(normalize), json!({})).unwrap().modes, [Mode::Mean]);

        let dense = "sentence_transformers.models.Dense";
        let climbing = json!([{"path": "../x", "type": "Pooling"}]);
        for (config, modules, file, message) in [
            (config(), Value::Null, last.clone(), "modules.json"),
            (config(), modules(normalize), Value::Null, "1_Pooling/config.json"),
            (config(), modules(dense), last.clone(), "models.Dense"),
            (
                config(),
                modules(normalize),
                json!({"pooling_mode_max_tokens": true}),
                "pooling_mode_max_tokens",
            ),
            (config(), modules(normalize), json!({"pooling_mode": "max"}), "max"),
            (config(), climbing, last.clone(), "../x"),
            (config(), json!([]), last.clone(), "no `Pooling`"),
            (config(), json!({}), last.clone(), "no list"),
            (json!({"model_type": "qwen2", "is_causal": false}), modules(normalize), last, "is_causal"),
        ] {
            let error = pooling(config, modules, file).unwrap_err().to_string();
            assert!(error.contains(message), "{error}");
        }
    }

    #[test]
    fn weights_of_tokens() {
        let weights = |mode: Mode| (0..4).map(|i| mode.weight(i, 3)).collect::<Vec<f32>>();
        assert_eq!(weights(Mode::First), [1.0, 0.0, 0.0, 0.0]);
        assert_eq!(weights(Mode::Last), [0.0, 0.0, 1.0, 0.0]);
        assert_eq!(weights(Mode::Mean), [1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0, 0.0]);
        assert_eq!(weights(Mode::RootMean)[0], 1.0 / 3f32.sqrt());
        assert_eq!(weights(Mode::WeightedMean), [1.0 / 6.0, 1.0 / 3.0, 0.5, 0.0]);
    }
}
