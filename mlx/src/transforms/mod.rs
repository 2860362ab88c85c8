//! Functions of functions: gradients, vectorization, compilation.
//!
//! A function to be transformed takes one [`Tree`](crate::Tree) by reference and returns another: arrays, tuples of
//! arrays, lists, maps. It records operations as any code does; the transformation runs it, with arrays that stand for
//! its arguments, as often as it needs. Transformed functions can be transformed again.
//!
//! ```
//! # fn main() -> mlx::Result<()> {
//! use mlx::{Array, transforms::{grad, vmap}};
//! let f = |x: &Array| x.power(3)?.sum(..);
//! let x = Array::from_slice(&[1.0f32, 2.0, 3.0], &[3]);
//! assert_eq!(grad(f)(&x)?.to_vec::<f32>()?, [3.0, 12.0, 27.0]);
//!
//! let second = grad(grad(|x: &Array| x.power(3)));
//! assert_eq!(vmap(second)(&x)?.to_vec::<f32>()?, [6.0, 12.0, 18.0]);
//! # Ok(())
//! # }
//! ```
//!
//! * An error or a panic in the function comes back as it is.
//! * Arrays the function captures are constants to it.
//! * For the parameters of a module there is [`nn::value_and_grad`](crate::nn::value_and_grad).

mod checkpoint;
mod compile;
mod custom;
mod grad;
mod recording;
mod vmap;

pub use crate::ffi::transforms::{clear_compile_cache, disable_compile, enable_compile};
pub use checkpoint::checkpoint;
pub use compile::{CompileMode, Compiled, CompiledStep, compile, compile_with_state, set_compile_mode};
pub use custom::{CustomFunction, custom_function, custom_vjp};
pub use grad::{grad, jvp, value_and_grad, vjp};
pub use vmap::{MapAxes, vmap, vmap_axes};
