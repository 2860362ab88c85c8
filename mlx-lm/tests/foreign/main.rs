//! Quantized checkpoints of other programs, against what their formats say in double precision.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod awq;
mod bitnet;
mod compressed;
mod encoding;
mod fp8;
mod gptq;
mod harness;
mod modelopt;
mod nvfp4;
mod refused;
