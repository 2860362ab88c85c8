//! Arrays in files.

mod header;
mod safetensors;

pub use header::{Header, TensorInfo, check_safetensors, parse_header};
pub use safetensors::{load_safetensors, save_safetensors};
