//! Language models in GGUF files: configuration, weights and tokenizer of one model in llama.cpp's single-file format.
//!
//! [`mlx::io::gguf`] reads the container. Here is what it means: [`Gguf`] dereferences to its file, and adds the names
//! and the order of rows that Hugging Face has, the `config.json`, and the tokenizer.
//!
//! ```no_run
//! # fn main() -> mlx_lm::Result<()> {
//! use mlx_lm::gguf::Gguf;
//!
//! let gguf = Gguf::open("SmolLM2-135M-Instruct.Q4_1.gguf")?;
//! let config = gguf.config()?; // what `config.json` would say
//! for info in gguf.tensors() {
//!     if let Some(name) = gguf.hugging_face_name(info)? {
//!         println!("{name}: {:?} {:?}", gguf.load(info)?, config["model_type"]);
//!     }
//! }
//! let tokenizer = gguf.tokenizer()?;
//! # Ok(()) }
//! ```

mod config;
mod names;
pub(crate) mod pre_tokenizer;
mod tensor;
mod tokenizer;

use crate::{Error, Result};
use mlx::io::gguf;
use std::{fs, ops::Deref, path::Path};

pub use mlx::io::gguf::{GgmlType, Metadata, Tensor, TensorInfo, Value, Values};
pub use tokenizer::GgufTokenizer;

/// An open GGUF file that holds a language model.
#[derive(Debug)]
pub struct Gguf(gguf::Gguf);

impl Gguf {
    /// Opens a GGUF file and checks its header, as [`mlx::io::gguf::Gguf::open`].
    ///
    /// # Errors
    /// [`Error::Io`] where the file is not there; [`Error::Weights`] where it is no GGUF file, cut short or
    /// inconsistent.
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf> {
        let path = path.as_ref();
        fs::metadata(path).map_err(|e| Error::io(path, e))?;
        gguf::Gguf::open(path).map(Gguf).map_err(|e| corrupt(path, &e))
    }
}

impl Deref for Gguf {
    type Target = gguf::Gguf;

    fn deref(&self) -> &gguf::Gguf {
        &self.0
    }
}

/// What MLX's reader finds wrong with the file at `path`, as this crate reports it.
fn corrupt(path: &Path, error: &mlx::Error) -> Error {
    let place = format!("{}: ", path.display());
    Error::weights(path, error.message().trim_start_matches(&place))
}
