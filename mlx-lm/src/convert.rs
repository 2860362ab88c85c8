//! Writes a model as a folder that mlx-lm, here and in Python, loads.

use crate::{Error, Result, Tokenizer, config::ModelConfig, gguf::Gguf, source::Location, weights};
use mlx::{Array, Dtype};
use serde_json::{Value, json};
use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

/// What to change on the way.
#[derive(Clone, Copy, Debug, Default)]
pub struct ConvertOptions {
    /// The type of all floating-point tensors; `None` keeps each as it is.
    pub dtype: Option<Dtype>,
}

/// More would not fit what other programs read at once.
const SHARD_BYTES: usize = 5 << 30;

/// Files that go along unchanged.
const COMPANIONS: &[&str] = &[
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
];

/// Writes the model at `source` to the new folder `output`: `config.json`, `model*.safetensors` with their index, and
/// the tokenizer's files. The folder appears when it is complete.
///
/// # Errors
/// [`Error::Invalid`] if `output` exists; what reading the model and writing the files can meet.
pub fn convert(source: &Location, output: &Path, options: ConvertOptions) -> Result<()> {
    if output.exists() {
        return Err(Error::Invalid(format!("{} exists; remove it or name another folder", output.display())));
    }
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(".partial");
    let partial = output.with_file_name(name);
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(|e| Error::io(&partial, e))?;
    }
    fs::create_dir_all(&partial).map_err(|e| Error::io(&partial, e))?;
    let written = write_folder(source, &partial, options)
        .and_then(|()| fs::rename(&partial, output).map_err(|e| Error::io(output, e)));
    if written.is_err() {
        // The first error is the one to report.
        let _ = fs::remove_dir_all(&partial);
    }
    written
}

fn write_folder(source: &Location, folder: &Path, options: ConvertOptions) -> Result<()> {
    let (config, tensors) = match source {
        Location::Folder(from) => {
            let config = ModelConfig::load(from)?.json;
            let tensors = weights::open(from)?.tensors()?;
            copy_companions(from, folder)?;
            (config, tensors)
        }
        Location::Gguf(from) => {
            let gguf = Gguf::open(from)?;
            let tokenizer = Tokenizer::from_gguf(gguf.tokenizer()?)?;
            tokenizer.save(folder)?;
            let ends = json!({ "eos_token_id": tokenizer.eos_ids() });
            write_json(&folder.join("generation_config.json"), &ends)?;
            (gguf.config()?, weights::gguf_tensors(&gguf)?)
        }
    };
    write_json(&folder.join("config.json"), &sorted(config))?;
    write_weights(folder, tensors, options)
}

fn copy_companions(from: &Path, to: &Path) -> Result<()> {
    for name in COMPANIONS {
        let file = from.join(name);
        if file.is_file() {
            fs::copy(&file, to.join(name)).map_err(|e| Error::io(&file, e))?;
        }
    }
    Ok(())
}

fn write_weights(folder: &Path, tensors: BTreeMap<String, Array>, options: ConvertOptions) -> Result<()> {
    let mut cast = Vec::with_capacity(tensors.len());
    for (name, array) in tensors {
        let array = match options.dtype {
            Some(dtype) if array.dtype()?.is_float() => array.astype(dtype)?,
            _ => array,
        };
        cast.push((name, array));
    }
    let total: usize = cast.iter().map(|(_, array)| array.nbytes()).sum::<mlx::Result<usize>>()?;
    let shards = shards(cast)?;
    let count = shards.len();
    let mut weight_map = serde_json::Map::new();
    for (i, shard) in shards.into_iter().enumerate() {
        let file = match count {
            1 => "model.safetensors".to_owned(),
            _ => format!("model-{:05}-of-{count:05}.safetensors", i + 1),
        };
        weight_map.extend(shard.iter().map(|(name, _)| (name.clone(), Value::from(file.as_str()))));
        let arrays = shard.iter().map(|(name, array)| (name.as_str(), array));
        mlx::io::save_safetensors(folder.join(&file), arrays, &[("format", "mlx")])?;
    }
    let index =
        json!({ "metadata": { "total_size": total }, "weight_map": sorted(Value::Object(weight_map)) });
    write_json(&folder.join("model.safetensors.index.json"), &index)
}

/// The tensors in order, cut where a file would grow beyond [`SHARD_BYTES`].
fn shards(tensors: Vec<(String, Array)>) -> Result<Vec<Vec<(String, Array)>>> {
    let mut shards = vec![vec![]];
    let mut bytes = 0;
    for (name, array) in tensors {
        let size = array.nbytes()?;
        if bytes > 0 && bytes + size > SHARD_BYTES {
            shards.push(vec![]);
            bytes = 0;
        }
        bytes += size;
        if let Some(shard) = shards.last_mut() {
            shard.push((name, array));
        }
    }
    Ok(shards)
}

/// The object with its keys in order, as Python mlx-lm writes it.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields: BTreeMap<_, _> =
                fields.into_iter().map(|(key, value)| (key, sorted(value))).collect();
            Value::Object(fields.into_iter().collect())
        }
        other => other,
    }
}

fn write_json(path: &PathBuf, value: &Value) -> Result<()> {
    fs::write(path, format!("{value:#}\n")).map_err(|e| Error::io(path, e))
}
