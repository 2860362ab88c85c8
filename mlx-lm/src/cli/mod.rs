//! Commands, and how they end.

mod convert;
mod doctor;
mod exit;
mod generate;

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
    /// Say what the program runs on, and what is missing
    Doctor(doctor::Arguments),
}

pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Generate(arguments) => generate::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Convert(arguments) => convert::run(arguments).map(|()| ExitCode::SUCCESS),
        Command::Doctor(arguments) => doctor::run(arguments),
    };
    match result {
        Ok(code) => code,
        Err(error) => exit::report(&error),
    }
}
