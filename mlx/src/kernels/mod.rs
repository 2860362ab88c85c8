//! Kernels of your own: operations in Rust, faster ways to compute MLX's operations on the CPU, and GPU code.
//!
//! | to | use |
//! |---|---|
//! | add an operation that is written in Rust and runs on the CPU | [`Operation`] and [`apply`] |
//! | compute an operation that MLX has, but faster on this CPU | [`CpuKernel`] and [`replace_cpu`] |
//! | run code on the GPU | [`MetalKernel`], [`CudaKernel`], or [`PrecompiledCudaKernel`] for PTX |
//!
//! Reach for them last. What can be said with MLX's operations runs on every device and differentiates by itself; an
//! elementwise formula that is called often wants to be compiled, not written by hand.
//!
//! # An operation in Rust
//!
//! An [`Operation`] says what its outputs look like, computes them from slices, and may say how it differentiates. It is
//! as lazy as any other operation.
//!
//! ```
//! use mlx::{Array, Error, Result, arange, Dtype};
//! use mlx::kernels::{Operation, Spec, View, ViewMut, apply};
//! use std::sync::Arc;
//!
//! /// How often each of the first numbers occurs in an array of them.
//! struct Histogram {
//!     bins: i32,
//! }
//!
//! impl Operation for Histogram {
//!     fn name(&self) -> &str {
//!         "histogram"
//!     }
//!
//!     fn outputs(&self, _inputs: &[Spec]) -> Result<Vec<Spec>> {
//!         Ok(vec![Spec::new([self.bins], Dtype::U32)])
//!     }
//!
//!     fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
//!         let counts = outputs[0].as_mut_slice::<u32>()?;
//!         for &number in inputs[0].as_slice::<u32>()? {
//!             if let Some(count) = counts.get_mut(number as usize) {
//!                 *count += 1;
//!             }
//!         }
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let histogram = Arc::new(Histogram { bins: 4 });
//! let x = Array::from_slice(&[0u32, 2, 2, 3, 2, 9], &[6]);
//! let [counts] = apply(&histogram, &[&x])?; // nothing is computed yet
//! assert_eq!(counts.to_vec::<u32>()?, [1, 0, 3, 1]);
//!
//! // An input of another dtype is an error when it is computed; `outputs` may refuse it when it is recorded.
//! let [wrong] = apply(&histogram, &[&arange(0.0, 6.0, 1.0, Dtype::F32)?])?;
//! let error = wrong.eval().unwrap_err();
//! assert_eq!(error.message(), "histogram: the elements are float32, not uint32");
//! # Ok(())
//! # }
//! ```
//!
//! # A faster way to compute an operation of MLX
//!
//! [`replace_cpu`] keeps everything of an operation, shapes, derivatives, the GPU's code, but has it computed by a
//! [`CpuKernel`] on the CPU: where the kernel accepts the shapes, strides and dtypes it is shown, and by MLX elsewhere.
//!
//! ```
//! use mlx::{Dtype, Result, random};
//! use mlx::kernels::{CpuKernel, Layout, View, ViewMut, replace_cpu};
//! use std::sync::Arc;
//!
//! /// `exp` of dense f32, on all processors.
//! struct ParallelExp;
//!
//! impl CpuKernel for ParallelExp {
//!     fn replaces(&self) -> &str {
//!         "Exp"
//!     }
//!
//!     fn accepts(&self, inputs: &[Layout<'_>], _outputs: &[Layout<'_>]) -> bool {
//!         inputs[0].dtype() == Dtype::F32 && inputs[0].is_row_contiguous()
//!     }
//!
//!     fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
//!         let (x, y) = (inputs[0].as_slice::<f32>()?, outputs[0].as_mut_slice::<f32>()?);
//!         let part = x.len().div_ceil(std::thread::available_parallelism().map_or(1, |n| n.get())).max(1);
//!         std::thread::scope(|threads| {
//!             for (x, y) in x.chunks(part).zip(y.chunks_mut(part)) {
//!                 threads.spawn(move || x.iter().zip(y).for_each(|(x, y)| *y = x.exp()));
//!             }
//!         });
//!         Ok(())
//!     }
//! }
//!
//! # fn main() -> Result<()> {
//! let kernel = Arc::new(ParallelExp);
//! let x = random::normal(&[1000], Dtype::F32, &random::key(0)?)?;
//! let y = replace_cpu(x.exp()?, &kernel)?;
//! assert!((y - x.exp()?).abs()?.max(..)?.item::<f32>()? < 1e-5);
//! # Ok(())
//! # }
//! ```
//!
//! # Code for the GPU
//!
//! The constructors of [`MetalKernel`], [`CudaKernel`] and [`PrecompiledCudaKernel`] are `unsafe`: nobody checks what
//! their code does to memory. Everything else about them is safe.

//! # This crate's own kernels
//!
//! Where the default device is a CPU, other than on macOS, products of dense and quantized matrices, attention, norms,
//! rotary embeddings, softmax and arithmetic in half precision are computed by kernels in Rust (the crate `mlx-cpu`):
//! with AVX2, AVX-512 or NEON, on all processors, halves as fast as singles and sums always in `f32`. They come in through
//! [`replace_cpu_everywhere`] and [`Operation`], like anyone's.
//!
//! | environment variable | |
//! |---|---|
//! | `MLX_RS_CPU_KERNELS=0` | leaves everything to MLX |
//! | `MLX_RS_CPU_THREADS=4` | uses four threads instead of one per processor |
//! | `MLX_RS_CPU_SIMD=portable` | uses other instructions than the best there are: `portable`, `avx2`, `avx2vnni`, `avx512`, `avx512vnni` |
//!
//! Compiled without optimization, as `cargo build` does by default, they would be slower than MLX's own and are not used.
//! To have them in development builds, put this into the `Cargo.toml` of the workspace:
//!
//! ```toml
//! [profile.dev.package.mlx-cpu]
//! opt-level = 3
//! ```

mod gpu;
mod operation;
mod replace;

/// Whether this crate's own CPU kernels are in use.
pub fn cpu_kernels_enabled() -> bool {
    crate::cpu::enabled() && crate::cpu::is_default_device()
}

pub use crate::ffi::kernels::{Layout, Strided, View, ViewMut};
pub use gpu::{
    CudaKernel, CudaOptions, Launch, MetalKernel, MetalMath, MetalOptions, PrecompiledCudaKernel, Scalar,
    TemplateArg, compile_cuda,
};
pub use operation::{Operation, Spec, apply, apply_list};
pub(crate) use operation::{apply_in_place, exactly};
pub use replace::{CpuKernel, primitive_name, replace_cpu, replace_cpu_aliased, replace_cpu_everywhere};
