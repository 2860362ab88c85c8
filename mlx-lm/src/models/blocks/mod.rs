//! Parts that are identical in several architectures.

mod decoder;
mod mlp;
mod rope;

pub use decoder::{Block, CausalLm};
pub use mlp::SwiGlu;
pub use rope::{RopeConfig, rope};
