//! Maintenance of this repository: `cargo xtask <command>`.

mod bindings;
mod bundle;
mod check_metal;
mod compare;
mod golden;
mod load;
mod python_env;
mod sanitize;
mod soak;
mod tools;

use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// What a command returns; an error's text is for the person who ran it.
type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// Maintenance of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Regenerate the Rust bindings of the C API (mlx-sys/src/bindings.rs).
    Bindings(bindings::Arguments),
    /// Make a folder with the program and all it needs, for a machine without Rust.
    Bundle(bundle::Arguments),
    /// Cross-compile the C API for Apple silicon and link it with Apple's libmlx.dylib.
    CheckMetal,
    /// Make the goldens from Python's MLX and mlx-lm, or compare with those committed.
    Golden(golden::Arguments),
    /// Load running servers with requests, side by side: first token, time between tokens, throughput.
    Load(load::Arguments),
    /// Run the tests of `mlx` under AddressSanitizer or valgrind.
    Sanitize(sanitize::Arguments),
    /// Load a running server for long, and watch the memory of its processes.
    Soak(soak::Arguments),
    /// Measure decoding beside Python mlx-lm, on the same weights.
    BenchDecode(compare::Arguments),
}

fn main() -> ExitCode {
    let result = match Arguments::parse().command {
        Command::Bindings(arguments) => bindings::run(&arguments),
        Command::Bundle(arguments) => bundle::run(&arguments),
        Command::CheckMetal => check_metal::run(),
        Command::Golden(arguments) => golden::run(&arguments),
        Command::Load(arguments) => load::run(&arguments),
        Command::Sanitize(arguments) => sanitize::run(&arguments),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::BenchDecode(arguments) => compare::run(&arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

/// The root of the repository.
fn root() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_owned()
}
