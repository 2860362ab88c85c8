//! Neural-network layers. Each is a [`Module`](crate::Module) with a `forward`.
//!
//! `new` takes what a layer must know, `with_…` methods change what has a usual value. A fresh layer holds zeros and
//! ones, for a checkpoint to be loaded; layers that start training from random numbers draw them in `init`.

pub mod init;
pub mod losses;

mod activations;
mod affine;
mod attention;
mod batch_norm;
mod bilinear;
mod conv;
mod dropout;
mod embedding;
mod gradients;
mod group_norm;
mod identity;
mod layer;
mod layer_norm;
mod linear;
mod packed_linear;
mod pooling;
mod positions;
mod qq_linear;
mod quantization;
mod quantize_layers;
mod recurrent;
mod rms_norm;
mod rope;
mod sharding;
mod switch_linear;
mod transformer;
mod upsample;
mod weight;

pub use activations::{
    Activation, PRelu, celu, elu, gelu, gelu_approx, gelu_fast_approx, glu, hard_shrink, hard_tanh,
    hardswish, leaky_relu, log_sigmoid, log_softmax, mish, prelu, relu, relu2, relu6, selu, sigmoid, silu,
    softmax, softmin, softplus, softshrink, softsign, step, swiglu, tanh,
};
pub use attention::MultiHeadAttention;
pub use batch_norm::BatchNorm;
pub use bilinear::Bilinear;
pub use conv::{
    Conv, Conv1d, Conv2d, Conv3d, ConvTranspose, ConvTranspose1d, ConvTranspose2d, ConvTranspose3d,
};
pub use dropout::{Dropout, Dropout2d, Dropout3d};
pub use embedding::Embedding;
pub use gradients::{checkpoint, value_and_grad};
pub use group_norm::{GroupNorm, InstanceNorm};
pub use identity::Identity;
pub use layer::{Layer, Sequential};
pub use layer_norm::LayerNorm;
pub use linear::Linear;
pub use packed_linear::PackedLinear;
pub use pooling::{AvgPool, AvgPool1d, AvgPool2d, AvgPool3d, MaxPool, MaxPool1d, MaxPool2d, MaxPool3d};
pub use positions::{Alibi, SinusoidalPositionalEncoding};
pub use qq_linear::QqLinear;
pub use quantization::{Mode, Quantization, Quantized, quantize};
pub use quantize_layers::{dequantize_layers, quantize_layers};
pub use recurrent::{Gru, Lstm, Rnn};
pub use rms_norm::RmsNorm;
pub use rope::Rope;
pub use sharding::{
    AllToShardedLinear, FullySharded, Segments, Shard, ShardedToAllLinear, all_to_sharded, average_gradients,
    average_gradients_sized, clip_grad_norm_sharded, shard_inplace, sharded_to_all,
};
pub use switch_linear::SwitchLinear;
pub use transformer::{
    Transformer, TransformerDecoder, TransformerDecoderLayer, TransformerEncoder, TransformerEncoderLayer,
    TransformerMasks, TransformerOptions,
};
pub use upsample::{Interpolation, Upsample};
pub use weight::Weight;

pub use crate::ops::{Scaled, qqmm, quantize_scaled};

use crate::{Error, Result, array::element_count};

/// The extent of several axes taken as one.
#[track_caller]
fn merged(op: &'static str, extents: &[i32]) -> Result<i32> {
    match element_count(extents).map(i32::try_from) {
        Some(Ok(extent)) => Ok(extent),
        _ => Err(Error::invalid(op, format!("the extents {extents:?} are too large for one axis"))),
    }
}
