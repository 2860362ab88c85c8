//! [GGUF](https://github.com/ggml-org/ggml/blob/master/docs/gguf.md), the single-file format of llama.cpp: typed
//! metadata and tensors, many of them quantized.
//!
//! [`load_gguf`] reads everything. [`Gguf::open`] reads and checks the header only; tensors are read when asked for.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, io::gguf::{Gguf, Metadata, save_gguf}};
//! # let folder = std::env::temp_dir().join(format!("mlx-gguf-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("x.gguf");
//! let metadata = Metadata::new().with("general.architecture", "none").with("none.layers", 2u32);
//! save_gguf(&path, [("x", &Array::from_slice(&[1.0f32, 2.0], &[2]))], &metadata)?;
//!
//! let file = Gguf::open(&path)?;
//! assert_eq!(file.metadata().u32("none.layers")?, Some(2));
//! for info in file.tensors() {
//!     println!("{} {:?} {}", info.name, info.shape, info.ggml_type);
//! }
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok(())
//! # }
//! ```
//!
//! Read and written here and not by MLX, whose reader aborts the process on a malformed file. What differs, besides:
//! bfloat16 stays bfloat16 where MLX rounds to float16, and more quantized types are known, which become float32; `i64` and `f64` tensors
//! are read and written; a quantized vector comes as float32, since MLX computes with quantized matrices only.

mod cursor;
mod dequant;
mod metadata;
mod reader;
mod repack;
mod tensor;
mod types;
mod value;
mod writer;

pub use metadata::Metadata;
pub use reader::{Gguf, TensorInfo};
pub use repack::GROUP_SIZE;
pub use tensor::{Tensor, load_gguf};
pub use types::GgmlType;
pub use value::{Value, Values};
pub use writer::{save_gguf, write_gguf};

/// Where tensor data starts is a multiple of this, unless [`ALIGNMENT_KEY`] says otherwise.
const DEFAULT_ALIGNMENT: u64 = 32;
const ALIGNMENT_KEY: &str = "general.alignment";
const MAGIC: [u8; 4] = *b"GGUF";
/// What MLX reads and writes; ggml itself has at most four.
const MAX_DIMENSIONS: usize = 8;
