//! Operations: the functions that make arrays, and the types of their options.
//!
//! What has a clear subject is a method of [`Array`](crate::Array). The functions here are also at the root of the
//! crate: `mlx::zeros`, `mlx::concatenate`.
//!
//! | family | methods of `Array`, and functions |
//! |---|---|
//! | elementwise | `+ - * / % & \| ^ << >> ! -`, `exp`, `sqrt`, `maximum`, `where_`, `clip`, `isclose`, `equal`, … |
//! | reductions | `sum`, `mean`, `max`, `argmax`, `var`, `logsumexp`, `softmax`, `all`, `any`, …; see [`Axes`](crate::Axes) |
//! | scans | `cumsum`, `cumprod`, `cummax`, `logcumsumexp`, `diff`; see [`Scan`] |
//! | shape | `reshape`, `transpose`, `t`, `squeeze`, `expand_dims`, `broadcast_to`, `split`, `pad`, `tile`, `roll`, [`concatenate`], [`stack`] |
//! | reading and writing parts | [`at`](crate::Array::at), [`set_at`](crate::Array::set_at), `add_at`, `take`, `take_along_axis`, `put_along_axis`, `gather`, `scatter` |
//! | sorting | `sort`, `argsort`, `partition`, `topk`, `searchsorted`, `unique` |
//! | matrices | `matmul`, `addmm`, `inner`, `outer`, `tensordot`, `kron`, `tril`, `diag`, [`einsum`]; factorizations in [`linalg`](crate::linalg) |
//! | convolutions | `conv1d`, `conv2d`, `conv3d`, `conv_transpose2d`, `convolve`; see [`ConvOptions`] |
//! | quantized matrices | [`nn::quantize`](crate::nn::quantize), `Quantized::project`, `gather_project` |
//! | making arrays | [`zeros`], [`ones`], [`full`], [`arange`], [`linspace`], [`eye`], [`tri`], [`meshgrid`], [`random`](crate::random) |
//! | dtype and layout | `astype`, `view`, `contiguous`, `copy` |
//! | the graph | `stop_gradient`, [`depends`] |
//!
//! Options ride on the argument they belong to or come as one value, and what is not given has Python's default:
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, axes, ops::{ConvOptions, PadMode}, scan};
//! let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[1, 4, 1]);
//! assert_eq!(x.sum(axes(1).keep())?.shape()?, [1, 1, 1]);
//! assert_eq!(x.cumsum(scan(1).reverse())?.to_vec::<f32>()?, [10.0, 9.0, 7.0, 4.0]);
//! assert_eq!(x.pad_mode([(0, 0), (1, 0), (0, 0)], PadMode::Edge)?.shape()?, [1, 5, 1]);
//! let kernel = Array::from_slice(&[1.0f32, 1.0], &[1, 2, 1]);
//! assert_eq!(x.conv1d(&kernel, ConvOptions::new().stride(2))?.to_vec::<f32>()?, [3.0, 7.0]);
//! # Ok(())
//! # }
//! ```

mod broadcast;
mod compare;
mod conv;
pub(crate) mod create;
mod diagonal;
mod divide;
mod einsum;
mod elementwise;
pub(crate) mod gather;
mod graph;
pub(crate) mod indexing;
mod layout;
mod matrix;
pub(crate) mod on_cuda;
mod order;
pub(crate) mod pad;
mod quantized;
pub(crate) mod reduce;
mod scan;
mod scatter;
mod shape;
mod slices;
mod unique;
mod window;

pub use broadcast::{Grid, broadcast_arrays, broadcast_shapes, meshgrid};
pub use compare::Tolerance;
pub use conv::{ConvOptions, ConvTransposeOptions, ConvolveMode, PerAxis};
pub use create::{Endpoints, arange, full, linspace, ones, zeros};
pub use diagonal::{MatrixSize, eye, identity, matrix, tri};
pub use einsum::{einsum, einsum_path};
pub use elementwise::NonFinite;
pub use gather::Gather;
pub use graph::depends;
pub use matrix::{BlockMasks, Contraction};
pub use order::Side;
pub use pad::{PadMode, Padding};
pub use quantized::{Scaled, qqmm, quantize_scaled};
pub use scan::{Scan, scan};
pub use shape::{Shifts, concatenate, stack};
pub use unique::Unique;
pub use window::{bartlett, blackman, hamming, hanning};
