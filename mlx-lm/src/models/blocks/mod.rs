//! Parts that are identical in several architectures.

mod attention;
mod checkpoint;
mod config;
mod decoder;
mod layer;
mod mlp;
mod norm;
mod rope;

pub use attention::{Attention, Mixer, merge_heads, soft_capped_attention, split_heads};
pub use checkpoint::{rename, split_rows, stack_numbered};
pub use config::DecoderConfig;
pub use decoder::{CausalLm, Logits, soft_cap};
pub use layer::{Block, ParallelLayer, PostNormLayer, PreNormLayer, SandwichLayer};
pub use mlp::{FeedForward, GatedMlp, Mlp, activation};
pub use norm::{HeadLayerNorm, Norm, shift_norms};
pub use rope::{Rope, RopeParameters};
