//! Arrays in files: [safetensors](load_safetensors), [npy](load_npy), [npz](load_npz) and [GGUF](gguf).
//!
//! * `load_*` and `save_*` take a path, `read_*` and `write_*` a stream; [`load`] looks at the file's extension.
//! * Files are not trusted: a header is checked before anything is allocated or read for what it declares, and a
//!   malformed file is an error that names file, array and reason. Nothing is executed; pickled objects are refused.
//! * Saving evaluates all arrays before it opens the file, so a file can be replaced by its own contents.
//! * [`load_safetensors`] alone is lazy; all others read at once, and their arrays belong to no stream.

mod fault;
mod load;
mod npy;
mod npz;
mod raw;
mod safetensors;

pub mod gguf;

pub use gguf::{load_gguf, save_gguf, write_gguf};
pub use load::{Loaded, load};
pub use npy::{load_npy, read_npy, save_npy, write_npy};
pub use npz::{load_npz, read_npz, save_npz, save_npz_compressed, write_npz, write_npz_compressed};
pub use safetensors::{
    Header, TensorInfo, check_safetensors, load_safetensors, load_safetensors_with_metadata, parse_header,
    read_safetensors, save_safetensors, write_safetensors,
};
