//! Commands, and how they end.

mod constraint;
mod convert;
mod exit;
mod generate;
mod kv;
mod sampling;
mod speculation;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

/// Language models on Apple's MLX.
#[derive(Parser)]
#[command(name = "mlx-lm", version, arg_required_else_help = true, after_help = exit::CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Answer a prompt
    Generate(generate::Arguments),
    /// Write a model as an MLX folder (GGUF files included)
    Convert(convert::Arguments),
}

pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Generate(arguments) => generate::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
