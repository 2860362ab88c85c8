//! Whatever is in a file.

use super::{gguf::load_gguf, load_npy, load_npz, load_safetensors};
use crate::{Array, Error, Result};
use std::{collections::BTreeMap, path::Path};

/// What [`load`] found.
#[derive(Clone, Debug)]
pub enum Loaded {
    /// The array of a `.npy` file.
    One(Array),
    /// The arrays of any other file, by name.
    Named(BTreeMap<String, Array>),
}

/// The arrays in the file at `path`, in the format that its extension names: `npy`, `npz`, `safetensors` or `gguf`.
///
/// The functions for one format ([`load_safetensors`](crate::io::load_safetensors) and so on) say more of it, and give
/// its metadata.
///
/// ```no_run
/// # fn main() -> mlx::Result<()> {
/// let weights = mlx::io::load("weights.npz")?.named()?;
/// println!("{:?}", weights.keys());
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Another extension; what the format's own function finds wrong.
#[doc(alias = "mx.load")]
#[track_caller]
pub fn load(path: impl AsRef<Path>) -> Result<Loaded> {
    let path = path.as_ref();
    match path.extension().and_then(|extension| extension.to_str()) {
        Some("npy") => load_npy(path).map(Loaded::One),
        Some("npz") => load_npz(path).map(Loaded::Named),
        Some("safetensors") => load_safetensors(path).map(Loaded::Named),
        Some("gguf") => load_gguf(path).map(|(arrays, _)| Loaded::Named(arrays)),
        _ => Err(Error::invalid(
            "load",
            format!("{}: the extension is none of npy, npz, safetensors, gguf", path.display()),
        )),
    }
}

impl Loaded {
    /// The only array.
    ///
    /// # Errors
    /// For a file of named arrays.
    #[track_caller]
    pub fn one(self) -> Result<Array> {
        match self {
            Loaded::One(array) => Ok(array),
            Loaded::Named(arrays) => {
                let names: Vec<&str> = arrays.keys().map(String::as_str).take(5).collect();
                let message = format!(
                    "the file holds {} named arrays ({}, …), not one",
                    arrays.len(),
                    names.join(", ")
                );
                Err(Error::invalid("load", message))
            }
        }
    }

    /// The arrays by name.
    ///
    /// # Errors
    /// For a `.npy` file, whose array has no name.
    #[track_caller]
    pub fn named(self) -> Result<BTreeMap<String, Array>> {
        match self {
            Loaded::Named(arrays) => Ok(arrays),
            Loaded::One(_) => Err(Error::invalid("load", "the file holds one array without a name")),
        }
    }
}
