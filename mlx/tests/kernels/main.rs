//! Kernels of the user's: operations in Rust, replaced evaluations, GPU code.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod gpu;
mod operation;
mod replace;
mod support;
mod transforms;
