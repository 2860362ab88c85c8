//! GGUF, the single-file format of llama.cpp: metadata, tensors and tokenizer of one model.
//!
//! [`Gguf::open`] reads the header and checks all of it: a count, length or offset that the file cannot hold is an
//! error before anything is allocated for it. Tensor data is read when asked for.
//!
//! ```no_run
//! # fn main() -> mlx_lm::Result<()> {
//! use mlx_lm::gguf::Gguf;
//!
//! let gguf = Gguf::open("SmolLM2-135M-Instruct.Q4_1.gguf")?;
//! let config = gguf.config()?; // what `config.json` would say
//! for info in gguf.tensors() {
//!     if let Some(name) = gguf.hugging_face_name(info)? {
//!         let data = gguf.load(info)?;
//!         println!("{name}: {:?} {:?}", data.shape(), config["model_type"]);
//!     }
//! }
//! let tokenizer = gguf.tokenizer()?;
//! # Ok(()) }
//! ```
//!
//! Everything here is host memory; nothing depends on MLX.

mod config;
mod cursor;
mod dequant;
mod names;
mod pre_tokenizer;
mod reader;
mod repack;
mod sentence_piece;
mod tensor;
mod tokenizer;
mod types;
mod value;

pub use reader::{Gguf, TensorInfo};
pub use tensor::{DenseType, TensorData};
pub use tokenizer::GgufTokenizer;
pub use types::GgmlType;
pub use value::{Array, Metadata, Value};
