//! Arrays by name in the [safetensors](https://huggingface.co/docs/safetensors) format.

use super::check_safetensors;
use crate::{Array, Error, Result, ffi};
use std::{collections::BTreeMap, path::Path};

/// The arrays of the safetensors file at `path`, by name.
///
/// The header is [checked](check_safetensors) first. Elements are read when an array is evaluated, which must happen
/// on this thread.
///
/// # Errors
/// As [`check_safetensors`].
#[track_caller]
pub fn load_safetensors(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    check_safetensors(path.as_ref())?;
    ffi::io::load_safetensors(utf8("load_safetensors", path.as_ref())?)
}

/// Evaluates `arrays` and writes them to the safetensors file at `path`, with `metadata`.
///
/// # Errors
/// A path that does not end in `.safetensors`, or that cannot be written.
#[track_caller]
pub fn save_safetensors<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &[(&str, &str)],
) -> Result<()> {
    let path = utf8("save_safetensors", path.as_ref())?;
    if !path.ends_with(".safetensors") {
        let text = format!("`{path}` must end in `.safetensors`, which MLX would append");
        return Err(Error::invalid("save_safetensors", text));
    }
    ffi::io::save_safetensors(path, &arrays.into_iter().collect::<Vec<_>>(), metadata)
}

#[track_caller]
fn utf8<'a>(op: &'static str, path: &'a Path) -> Result<&'a str> {
    path.to_str()
        .ok_or_else(|| Error::invalid(op, format!("MLX needs a path in UTF-8, not {}", path.display())))
}
