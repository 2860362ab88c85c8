//! Parts that are identical in several architectures.

mod attention;
mod causal_conv;
mod checkpoint;
mod config;
mod decoder;
mod deepseek_moe;
mod gated_delta;
mod head_linear;
mod layer;
mod mamba2;
mod mlp;
mod moe;
mod multiply;
mod norm;
mod per_layer;
mod rope;
mod shared_kv;
mod switch;

pub use attention::{Attention, Mixer, mask_scores, merge_heads, soft_capped_attention, split_heads};
pub use causal_conv::{CausalConv, orient_convolutions};
pub use checkpoint::{
    drop_layers_from, rename, split_latent, split_rows, stack_experts, stack_numbered, transpose_layer,
};
pub use config::DecoderConfig;
pub use decoder::{CausalLm, HybridLm, Logits, MoeLm, soft_cap};
pub use deepseek_moe::{DeepSeekMoe, name_deepseek_moe};
pub use gated_delta::{GatedDeltaNet, GatedDeltaSizes};
pub use head_linear::HeadLinear;
pub use layer::{Block, ParallelLayer, PostNormLayer, PreNormLayer, SandwichLayer, SingleLayer, Unmixed};
pub use mamba2::{GatedNorm, Mamba2, Mamba2Sizes, StepLimit};
pub use mlp::{FeedForward, GatedMlp, Mlp, activation};
pub use moe::{Groups, Moe, Routing, Scores, one_in};
pub use multiply::{Multiplier, multiply_layers};
pub use norm::{HeadLayerNorm, Norm, shift_norms};
pub use per_layer::{PerLayerGate, PerLayerInputs, PerLayerSizes};
pub use rope::{Rope, RopeParameters};
pub use shared_kv::{SharedKvAttention, SharedKvSizes, drop_borrowers_keys, lenders, shared_caches};
pub use switch::{Gate, SwitchGlu, SwitchMlp};
