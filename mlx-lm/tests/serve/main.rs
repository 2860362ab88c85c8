//! `mlx-lm serve`, as its clients see it: the program itself, with the real SmolLM2.

#![cfg(feature = "serve")]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

mod apis;
mod clients;
#[path = "../common/mod.rs"]
mod common;
mod contract;
mod embeddings;
mod faults;
mod http;
mod page;
mod program;
mod python;
mod security;
mod tools;
mod turns;
