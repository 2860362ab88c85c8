//! Commands, and how they end.

mod bench;
mod cache_prompt;
mod constraint;
mod convert;
mod doctor;
mod exit;
mod fit;
mod generate;
mod kv;
mod list;
mod output;
mod perplexity;
mod pull;
mod rm;
mod sampling;
#[cfg(feature = "serve")]
mod serve;
mod show;
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
    /// Download a model
    Pull(pull::Arguments),
    /// Show the models that are on this machine
    #[command(visible_alias = "ls")]
    List(list::Arguments),
    /// Delete models from the caches
    Rm(rm::Arguments),
    /// Show what a model is and needs
    Show(show::Arguments),
    /// Show which models of the catalogue fit this machine
    Fit(fit::Arguments),
    /// Measure how fast a model reads and writes
    Bench(bench::Arguments),
    /// Measure how well a model predicts a text
    Perplexity(perplexity::Arguments),
    /// Run a prompt and write what the model keeps of it, as Python mlx-lm's prompt caches
    CachePrompt(cache_prompt::Arguments),
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
        Command::Pull(arguments) => pull::run(arguments),
        Command::List(arguments) => list::run(arguments),
        Command::Rm(arguments) => rm::run(arguments),
        Command::Show(arguments) => show::run(arguments),
        Command::Fit(arguments) => fit::run(arguments),
        Command::Bench(arguments) => bench::run(arguments),
        Command::Perplexity(arguments) => perplexity::run(arguments),
        Command::CachePrompt(arguments) => cache_prompt::run(arguments),
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
