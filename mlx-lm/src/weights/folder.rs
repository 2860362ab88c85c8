//! Which files of a model folder hold its weights.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use mlx::Array;
use mlx::io::{Header, check_safetensors, load_safetensors};
use serde::Deserialize;

use crate::{Error, Result};

/// The file that says which shard holds which tensor.
const INDEX: &str = "model.safetensors.index.json";

/// A weight file and its checked header.
#[derive(Debug, Clone)]
pub struct WeightFile {
    /// Where it is.
    pub path: PathBuf,
    /// What it holds.
    pub header: Header,
}

/// The weights of a model folder.
#[derive(Debug, Clone)]
pub struct WeightFiles {
    /// The shards, sorted by name. No tensor name occurs twice.
    pub files: Vec<WeightFile>,
    /// What the user should know, though it stops nothing.
    pub warnings: Vec<String>,
}

impl WeightFiles {
    /// The tensors of all shards, by name; each is read when it is evaluated.
    ///
    /// # Errors
    /// [`Error::Mlx`] when a shard cannot be opened any more.
    pub fn tensors(&self) -> Result<BTreeMap<String, Array>> {
        let mut tensors = BTreeMap::new();
        for file in &self.files {
            tensors.append(&mut load_safetensors(&file.path)?);
        }
        Ok(tensors)
    }
}

/// Finds the weight files of `folder` and checks their headers.
///
/// `model.safetensors.index.json` decides when all the shards it names exist. Converted models often carry the index
/// of the model they came from; such an index names no file that is there, and `model*.safetensors` is taken instead,
/// with a warning.
///
/// # Errors
/// [`Error::Weights`] when there are no weights, shards are missing, a header is invalid, or two files hold a tensor
/// of the same name; [`Error::Io`] when the folder cannot be read.
pub fn open(folder: &Path) -> Result<WeightFiles> {
    let (names, warnings) = select(folder)?;
    let files = names
        .into_iter()
        .map(|name| {
            let path = folder.join(name);
            match check_safetensors(&path) {
                Ok(header) => Ok(WeightFile { path, header }),
                Err(error) => {
                    let place = format!("{}: ", path.display());
                    Err(Error::weights(&path, error.message().trim_start_matches(&place)))
                }
            }
        })
        .collect::<Result<Vec<_>>>()?;
    reject_duplicates(folder, &files)?;
    Ok(WeightFiles { files, warnings })
}

/// The names of the weight files of `folder`, and warnings, without opening them.
///
/// # Errors
/// As [`open`], for what the names alone show.
pub fn select(folder: &Path) -> Result<(BTreeSet<String>, Vec<String>)> {
    let (present, others) = list(folder)?;
    if present.is_empty() {
        return Err(Error::weights(folder, no_weights(&others)));
    }
    let named = read_index(folder)?;
    let missing: Vec<String> = named.difference(&present).cloned().collect();
    if !named.is_empty() && missing.is_empty() {
        return Ok((named, Vec::new()));
    }
    if !named.is_disjoint(&present) {
        return Err(incomplete(folder, &missing));
    }
    let gaps = missing_of_numbered(&present);
    if !gaps.is_empty() {
        return Err(incomplete(folder, &gaps));
    }
    let mut warnings = Vec::new();
    if !named.is_empty() {
        warnings.push(format!("{INDEX} names none of the shards that are here; it is ignored"));
    }
    Ok((present, warnings))
}

/// Whether a file name is that of a weight file: `model*.safetensors`, as mlx-lm has it.
pub fn is_weight_name(name: &str) -> bool {
    name.starts_with("model") && name.ends_with(".safetensors") && !name.contains(['/', '\\'])
}

/// The weight files of a folder, and other files that look like weights.
fn list(folder: &Path) -> Result<(BTreeSet<String>, Vec<String>)> {
    let (mut present, mut others) = (BTreeSet::new(), Vec::new());
    for entry in fs::read_dir(folder).map_err(|e| Error::io(folder, e))? {
        let entry = entry.map_err(|e| Error::io(folder, e))?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let extension = Path::new(&name).extension().and_then(|extension| extension.to_str());
        // `exists` follows links: a cache may hold a link whose target is gone.
        if is_weight_name(&name) && entry.path().exists() {
            present.insert(name);
        } else if matches!(extension, Some("safetensors" | "bin" | "pt" | "pth" | "npz" | "gguf")) {
            others.push(name);
        }
    }
    others.sort();
    Ok((present, others))
}

fn no_weights(others: &[String]) -> String {
    match others {
        [] => "no weights: no model*.safetensors".into(),
        others => {
            format!("no weights: no model*.safetensors, and {} cannot be read instead", others.join(", "))
        }
    }
}

fn incomplete(folder: &Path, missing: &[String]) -> Error {
    Error::weights(folder, format!("incomplete download, missing {}; download it again", missing.join(", ")))
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// The weight files that the index names; none without an index. Other files it may name (`mtp.safetensors`) are not
/// part of the language model.
fn read_index(folder: &Path) -> Result<BTreeSet<String>> {
    let path = folder.join(INDEX);
    let text = match fs::read(&path) {
        Ok(text) => text,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(e) => return Err(Error::io(&path, e)),
    };
    let index: Index = serde_json::from_slice(&text).map_err(|e| Error::config(&path, e))?;
    Ok(index.weight_map.into_values().filter(|name| is_weight_name(name)).collect())
}

/// What lacks in the series that the names `…-00001-of-00003.safetensors` announce.
fn missing_of_numbered(present: &BTreeSet<String>) -> Vec<String> {
    let series: BTreeSet<(&str, &str)> = present.iter().filter_map(|name| numbered(name)).collect();
    let names = series.into_iter().flat_map(|(stem, total)| {
        let width = total.len();
        let count: u32 = total.parse().unwrap_or(0);
        (1..=count).map(move |i| format!("{stem}-{i:0width$}-of-{total}.safetensors"))
    });
    names.filter(|name| !present.contains(name)).collect()
}

/// `("model", "00003")` of `model-00001-of-00003.safetensors`.
fn numbered(name: &str) -> Option<(&str, &str)> {
    let (rest, total) = name.strip_suffix(".safetensors")?.rsplit_once("-of-")?;
    let (stem, _) = rest.rsplit_once('-')?;
    // Writers use five digits; more would let a file name ask for millions of entries.
    (total.len() <= 5 && total.bytes().all(|digit| digit.is_ascii_digit())).then_some((stem, total))
}

/// Two exports in one folder would silently mix; a name that two files hold gives them away.
fn reject_duplicates(folder: &Path, files: &[WeightFile]) -> Result<()> {
    let mut holder = BTreeMap::new();
    for file in files {
        for tensor in file.header.tensors.keys() {
            if let Some(other) = holder.insert(tensor, &file.path) {
                let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
                let (first, second) = (name(other), name(&file.path));
                return Err(Error::weights(
                    folder,
                    format!(
                        "tensor `{tensor}` is in both {first} and {second}; remove the files of the other export"
                    ),
                ));
            }
        }
    }
    Ok(())
}
