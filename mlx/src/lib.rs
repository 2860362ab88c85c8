//! Lazy arrays, gradients, neural networks and optimizers over Apple's [MLX](https://github.com/ml-explore/mlx), in
//! safe Rust.
//!
//! A whole program: data, a model, training, evaluation, saving.
//!
//! ```
//! use mlx::nn::{self, Linear, losses::{Reduction, cross_entropy}};
//! use mlx::optimizers::{AdamW, Optimizer};
//! use mlx::{Array, Dtype, Module, Result, eval, random};
//!
//! /// Two layers. The names of the fields are the names in checkpoints.
//! #[derive(Module)]
//! struct Mlp {
//!     hidden: Linear,
//!     output: Linear,
//! }
//!
//! impl Mlp {
//!     fn new(key: &Array) -> Result<Mlp> {
//!         let [hidden, output] = random::split(key)?;
//!         Ok(Mlp {
//!             hidden: Linear::new(2, 16).with_bias(true).init(&hidden)?,
//!             output: Linear::new(16, 2).with_bias(true).init(&output)?,
//!         })
//!     }
//!
//!     fn forward(&self, x: &Array) -> Result<Array> {
//!         self.output.forward(&nn::relu(&self.hidden.forward(x)?)?)
//!     }
//! }
//!
//! fn main() -> Result<()> {
//!     // Points of the plane; class 1 is where the coordinates have different signs.
//!     let mut keys = random::Keys::new(0)?;
//!     let points = random::uniform(-1.0, 1.0, &[256, 2], Dtype::F32, &keys.next_key()?)?;
//!     let classes = points.prod(-1)?.less(0.0)?.astype(Dtype::U32)?;
//!
//!     let mut model = Mlp::new(&keys.next_key()?)?;
//!     let mut optimizer = Optimizer::new(AdamW::new(), 0.02)?;
//!     for _ in 0..100 {
//!         let loss = |model: &Mlp| cross_entropy(&model.forward(&points)?, &classes, Reduction::Mean);
//!         let (_loss, gradients) = nn::value_and_grad(&mut model, loss)?;
//!         optimizer.update(&mut model, &gradients)?;
//!         // Until here all was recorded. Now it is computed.
//!         eval(model.parameters().values().chain(optimizer.state().values()))?;
//!     }
//!
//!     let right = model.forward(&points)?.argmax(-1)?.equal(&classes)?;
//!     assert!(right.mean(..)?.item::<f32>()? > 0.9);
//!     model.save_weights(std::env::temp_dir().join("signs.safetensors"))?; // hidden.bias, hidden.weight, ...
//!     Ok(())
//! }
//! ```
//!
//! # What to know first
//!
//! * **Lazy.** An operation records what to do; [`eval`], [`Array::to_vec`] and [`Array::item`] compute.
//! * **Operators never panic and need no `?`.** If `a + b` fails, the result carries the error, with the line of the
//!   operator, to the next fallible call. No safe call can crash the process.
//! * **Host scalars take the array's dtype**: a `bf16` array times `2.0` stays `bf16`.
//! * **One name per operation**, Python's. Options ride on their argument, `x.sum(axes(-1).keep())`; where work runs is a
//!   scope, [`with_stream`].
//! * **Threads.** An [`Array`] stays on its thread, because MLX mutates its graph without locks. [`SharedArray`] takes
//!   evaluated arrays across, [`Engine`] is a thread that owns arrays and takes work.
//!
//! The [guide] explains each of these, and begins with [a table for those who know Python's MLX](guide::python).
//!
//! # Where things are
//!
//! | | |
//! |---|---|
//! | [`Array`] and its methods, [`ops`] | operations; options and what makes arrays |
//! | [`random`], [`linalg`], [`fft`] | random numbers from keys, factorizations, Fourier transforms |
//! | [`transforms`] | gradients, vectorization, compilation |
//! | [`Module`], [`nn`], [`optimizers`] | models: parameters by path; layers, losses, initializers; training rules and schedules |
//! | [`fast`] | fused operations of language models: attention, rope, norms |
//! | [`io`] | safetensors, npy, npz, GGUF |
//! | [`Stream`], [`Device`], [`metal`], [`cuda`] | where work runs |
//! | [`kernels`], [`export`], [`distributed`] | operations of your own, functions in files, several processes |
//! | [`memory`], [`graph`] | what MLX holds, and what it has recorded |

mod array;
mod category;
mod cpu;
mod device;
mod dtype;
mod engine;
mod error;
mod ffi;
mod index;
mod limits;
mod module;
mod operand;
mod operators;
mod print;
mod shared;
mod stream;
mod tree;

pub mod cuda;
pub mod distributed;
pub mod export;
pub mod fast;
pub mod fft;
mod gpu;
pub mod graph;
#[cfg(doc)]
pub mod guide;
pub mod io;
pub mod kernels;
pub mod linalg;
pub mod memory;
pub mod metal;
pub mod nn;
pub mod ops;
pub mod optimizers;
pub mod random;
pub mod transforms;

pub use array::{Array, async_eval, eval};
pub use category::{Category, promote_types, result_type};
pub use device::{Device, Property};
pub use dtype::{Dtype, Element};
pub use engine::Engine;
pub use error::{Error, ErrorKind, Result};
pub use half::{bf16, f16};
pub use index::{Axes, Index, Item, New, Rest, Span, axes, step};
pub use limits::{FloatInfo, IntInfo};
pub use mlx_macros::{Module, Tree};
pub use module::{Loader, Module, Param, Parameters, Path, Slot, SlotMut, Training};
pub use num_complex::Complex32;
pub use operand::Operand;
pub use print::{PrintOptions, set_printoptions};
pub use shared::SharedArray;
pub use stream::{Stream, ThreadLocalStream, beside, streams, synchronize, with_stream};
pub use tree::{Flat, Leaves, Tree};

#[doc(inline)]
pub use ops::{
    arange, bartlett, blackman, broadcast_arrays, broadcast_shapes, concatenate, depends, einsum,
    einsum_path, eye, full, hamming, hanning, identity, linspace, matrix, meshgrid, ones, scan, stack, tri,
    zeros,
};

/// The release of MLX in use, such as `0.32.4`.
///
/// # Errors
/// The one of an installation whose parts do not fit together.
#[doc(alias = "__version__")]
#[track_caller]
pub fn version() -> Result<String> {
    ffi::import::version()
}

// The derive macro writes `::mlx::…`, also inside this crate.
extern crate self as mlx;
