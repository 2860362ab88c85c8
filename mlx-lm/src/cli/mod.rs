//! Commands, and how they end.

mod constraint;
mod convert;
mod doctor;
mod exit;
mod generate;
mod kv;
mod sampling;
#[cfg(feature = "serve")]
mod serve;
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
    /// Say what the program runs on, and what is missing
    Doctor(doctor::Arguments),
    /// Serve models to clients of OpenAI's, Anthropic's and Ollama's APIs
    #[cfg(feature = "serve")]
    Serve(Box<serve::Arguments>),
    /// Hold one model for the server at the other end of stdin
    #[cfg(feature = "serve")]
    #[command(hide = true)]
    Runner,
}

pub(crate) fn run(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Generate(arguments) => generate::run(arguments),
        Command::Convert(arguments) => convert::run(arguments),
        Command::Doctor(arguments) => doctor::run(arguments),
        #[cfg(feature = "serve")]
        Command::Serve(arguments) => serve::run(*arguments),
        #[cfg(feature = "serve")]
        Command::Runner => serve::runner(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
