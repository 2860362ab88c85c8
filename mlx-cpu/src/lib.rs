//! CPU kernels for the operations of language models, over plain slices: they know nothing of MLX.
//!
//! | | |
//! |---|---|
//! | [`attention`](mod@attention) | scaled dot product attention |
//! | [`elementwise`] | functions of each element by itself, and conversions between the kinds of numbers |
//! | [`gated`] | the products of gated feed-forward layers |
//! | [`norm`] | normalization of rows |
//! | [`heads`] | the vectors of attention heads, however they lie in memory |
//! | [`rope`](mod@rope) | rotary position embedding |
//! | [`softmax`](mod@softmax) | softmax of rows |
//! | [`simd`] | one kernel for all instruction sets, chosen when it runs |
//! | [`gemm`] | matrix products |
//! | [`quantized`] | products with quantized matrices |
//! | [`pool`] | the threads that kernels share |
//!
//! All arithmetic is in `f32`, also where the elements are [`struct@f16`] or [`struct@bf16`]; but for products of up to
//! 64 vectors with [`quantized`] matrices of 2, 4 and 8 bits where processors multiply bytes (AVX-512 VNNI, AVX-VNNI), which
//! are sums of integers of 24 bits.
//!
//! Without optimization (`opt-level = 0`, the default of `cargo build`) these kernels are slower than MLX's own, and
//! [`OPTIMIZED`] is false. To have them fast in development builds too, say so in `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package.mlx-cpu]
//! opt-level = 3
//! ```

pub mod attention;
pub mod elementwise;
mod floats;
pub mod gated;
pub mod gemm;
pub mod heads;
pub mod norm;
pub mod pool;
pub mod quantized;
pub mod rope;
pub mod simd;
pub mod softmax;

pub use floats::{Floats, FloatsMut};
pub use half::{bf16, f16};

/// Whether this crate was compiled with optimization.
pub const OPTIMIZED: bool = cfg!(optimized);
