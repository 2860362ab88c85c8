//! CPU kernels for the operations of language models, over plain slices: they know nothing of MLX.
//!
//! | | |
//! |---|---|
//! | [`simd`] | one kernel for all instruction sets, chosen when it runs |
//! | [`pool`] | the threads that kernels share |
//!
//! All arithmetic is in `f32`, also where the elements are [`f16`] or [`bf16`].
//!
//! Without optimization (`opt-level = 0`, the default of `cargo build`) these kernels are slower than MLX's own, and
//! [`OPTIMIZED`] is false. To have them fast in development builds too, say so in `Cargo.toml`:
//!
//! ```toml
//! [profile.dev.package.mlx-cpu]
//! opt-level = 3
//! ```

mod floats;
pub mod pool;
pub mod simd;

pub use floats::{Floats, FloatsMut};
pub use half::{bf16, f16};

/// Whether this crate was compiled with optimization.
pub const OPTIMIZED: bool = cfg!(optimized);
