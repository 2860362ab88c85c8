//! `generation_config.json`: how the model's makers recommend to sample from it.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use crate::error::{Error, Result};

/// Recommended sampling, and the tokens that end an answer. What the file leaves open is none or empty.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
#[non_exhaustive]
pub struct GenerationConfig {
    /// Tokens that end an answer; they override those of `config.json`.
    #[serde(rename = "eos_token_id", deserialize_with = "token_ids")]
    pub eos_token_ids: Vec<u32>,
    /// The token a prompt starts with.
    pub bos_token_id: Option<u32>,
    /// Whether to sample at all; false is greedy decoding.
    pub do_sample: Option<bool>,
    /// Divisor of the logits.
    pub temperature: Option<f32>,
    /// Least total probability of the candidates.
    pub top_p: Option<f32>,
    /// Most candidates; 0 is no limit.
    #[serde(deserialize_with = "count")]
    pub top_k: Option<u32>,
    /// Least probability of a candidate, relative to the best one.
    pub min_p: Option<f32>,
    /// Divisor of the logits of tokens that have occurred; 1 is none.
    pub repetition_penalty: Option<f32>,
}

impl GenerationConfig {
    /// Reads `generation_config.json` of the checkpoint in `folder`; without that file everything is open.
    pub fn from_folder(folder: impl AsRef<Path>) -> Result<GenerationConfig> {
        let path = folder.as_ref().join("generation_config.json");
        match fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map_err(|error| Error::config(&path, error)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(GenerationConfig::default()),
            Err(error) => Err(Error::io(&path, error)),
        }
    }
}

/// `eos_token_id` as checkpoints write it: one id, a list of them, or null.
pub(crate) fn token_ids<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u32>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Ids {
        One(u32),
        Many(Vec<u32>),
    }
    let ids = Option::<Ids>::deserialize(deserializer)
        .map_err(|_| D::Error::custom("`eos_token_id` must be a token id, a list of token ids or null"))?;
    Ok(match ids {
        None => Vec::new(),
        Some(Ids::One(id)) => vec![id],
        Some(Ids::Many(ids)) => ids,
    })
}

/// A count, where some checkpoints write -1 for no limit.
fn count<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<u32>, D::Error> {
    let count = Option::<i64>::deserialize(deserializer)?;
    count.map(|count| u32::try_from(count.max(0)).map_err(D::Error::custom)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<GenerationConfig> {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("generation_config.json"), text).unwrap();
        GenerationConfig::from_folder(folder.path())
    }

    #[test]
    fn an_absent_file_leaves_everything_open() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(GenerationConfig::from_folder(folder.path()).unwrap(), GenerationConfig::default());
    }

    #[test]
    fn reads_what_checkpoints_write() {
        let config = read(
            r#"{"eos_token_id": [128001, 128009], "bos_token_id": 128000, "do_sample": true, "temperature": 0.6,
                "top_p": 0.9, "top_k": -1, "transformers_version": "5.0.0", "repetition_penalty": null}"#,
        )
        .unwrap();
        let expected = GenerationConfig {
            eos_token_ids: vec![128_001, 128_009],
            bos_token_id: Some(128_000),
            do_sample: Some(true),
            temperature: Some(0.6),
            top_p: Some(0.9),
            top_k: Some(0),
            ..GenerationConfig::default()
        };
        assert_eq!(config, expected);
        assert_eq!(read(r#"{"eos_token_id": 2}"#).unwrap().eos_token_ids, [2]);
        assert!(read(r#"{"eos_token_id": null}"#).unwrap().eos_token_ids.is_empty());
    }

    #[test]
    fn malformed_files_are_named() {
        for text in
            ["", "7", "{\"temperature\": \"hot\"}", "{\"eos_token_id\": -1}", "{\"eos_token_id\": \"</s>\"}"]
        {
            let error = read(text).unwrap_err();
            assert!(
                matches!(&error, Error::Config { path, .. } if path.ends_with("generation_config.json")),
                "{text}"
            );
        }
    }
}
