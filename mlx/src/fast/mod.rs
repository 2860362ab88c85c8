//! Operations that MLX runs as one kernel where the backend has it, and composes of others elsewhere.

mod append_buffer;
mod attention;
mod decode;
mod gated_delta;
mod loss;
mod norm;
mod rope;

pub use append_buffer::AppendBuffer;
pub use attention::{AttentionOptions, Mask, scaled_dot_product_attention};
pub(crate) use decode::Room;
pub use decode::{Sequence, append_and_attend};
pub use gated_delta::{GatedDelta, gated_delta_update};
pub use loss::cross_entropy;
pub use norm::{layer_norm, rms_norm};
pub(crate) use rope::Unrotated;
pub use rope::{Offset, RopeOptions, rope};
