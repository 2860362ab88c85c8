//! The program `mlx-lm`.

#![forbid(unsafe_code)]

mod cli;

use std::process::ExitCode;

/// MLX records arrays on one thread and releases them on another, which glibc's allocator is slow at: a step of a small
/// model on a CPU takes a third longer with it. This one also serves MLX, whose calls of `malloc` find it first.
#[cfg(target_os = "linux")]
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    cli::main()
}
