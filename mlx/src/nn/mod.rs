//! Neural-network layers. Each is a [`Module`](crate::Module) with a `forward`.

mod embedding;
mod gradients;
mod linear;
mod quantization;
mod rms_norm;
mod rope;
mod weight;

pub use embedding::Embedding;
pub use gradients::{checkpoint, value_and_grad};
pub use linear::Linear;
pub use quantization::{Mode, Quantization, Quantized, quantize};
pub use rms_norm::RmsNorm;
pub use rope::Rope;
pub use weight::Weight;

pub use crate::ops::{Scaled, qqmm, quantize_scaled};

use crate::{Array, Result};

/// `x · sigmoid(x)` ([Elfwing et al., 2017](https://arxiv.org/abs/1702.03118)).
#[track_caller]
pub fn silu(x: &Array) -> Result<Array> {
    x.multiply(x.sigmoid()?)
}
