//! The GGUF reader against the reference implementations, against hostile files, and against its own writer.

#![allow(clippy::unwrap_used)]

mod config;
mod golden;
mod hostile;
mod tensors;
mod writer;
