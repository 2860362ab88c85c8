//! The functions and layers of `mlx::nn` against Python's `mlx.nn`; `cargo xtask golden nn` makes what it computes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod activations;
mod attention;
mod convolution;
mod golden;
mod hostile;
mod init;
mod linear;
mod losses;
mod names;
mod normalizations;
mod pooling;
mod positions;
mod quantized;
mod random;
mod recurrent;
mod training;
mod transformer;
mod upsampling;
