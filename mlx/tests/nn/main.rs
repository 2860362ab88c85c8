//! The functions and layers of `mlx::nn` against Python's `mlx.nn`; `cargo xtask golden nn` makes what it computes.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod activations;
mod golden;
mod hostile;
mod init;
mod linear;
mod losses;
mod normalizations;
mod pooling;
mod positions;
mod random;
mod upsampling;
