//! Safe, lazy arrays over Apple's [MLX](https://github.com/ml-explore/mlx).
//!
//! ```
//! use mlx::{Array, Rest, eval};
//!
//! # fn main() -> mlx::Result<()> {
//! let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
//! let y = (&x * 2.0 + 1) / 4.0; // nothing is computed yet; host scalars take x's dtype
//! let row_sums = y.sum(-1)?;
//! eval([&row_sums])?;
//! assert_eq!(row_sums.to_vec::<f32>()?, [2.0, 4.0]);
//! assert_eq!(x.at((Rest, 0))?.to_vec::<f32>()?, [1.0, 3.0]);
//! # Ok(())
//! # }
//! ```
//!
//! * **Lazy**: an operation records what to do; [`eval`], [`Array::to_vec`] and [`Array::item`] compute.
//! * **Operators never panic and need no `?`**: if `a + b` fails, the result carries the error, with the line of the
//!   operator, to the next fallible call.
//! * **One name per operation**; where work runs is a scope, [`with_stream`], not an argument.
//! * **Threads**: an [`Array`] stays on its thread, because MLX mutates its graph without locks. [`SharedArray`] takes
//!   evaluated arrays across, [`Engine`] is a thread that owns arrays and takes work.

mod array;
mod category;
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
pub mod graph;
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

// The derive macro writes `::mlx::…`, also inside this crate.
extern crate self as mlx;
