//! Commands, and how they end.

mod bench;
mod cache_prompt;
mod chat;
mod constraint;
mod convert;
mod doctor;
mod exit;
mod fit;
mod generate;
mod kv;
mod launch;
mod list;
mod output;
mod perplexity;
mod prompt_cache;
mod pull;
mod remote;
mod rm;
mod run;
mod sampling;
#[cfg(feature = "serve")]
mod serve;
mod settings;
mod shell;
mod show;
mod speculation;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use std::{ffi::OsString, process::ExitCode};

/// Language models on Apple's MLX.
#[derive(Parser)]
#[command(name = "mlx-lm", version, arg_required_else_help = true, after_help = exit::CODES)]
pub(crate) struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
#[allow(clippy::large_enum_variant, reason = "there is only one")]
enum Command {
    /// Answer a prompt
    Generate(Box<generate::Arguments>),
    /// Talk to a model
    Chat(Box<chat::Arguments>),
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
    /// Answer a prompt, or chat
    Run(run::Arguments),
    /// Show the models that a server has loaded
    Ps(remote::PsArguments),
    /// Let a server unload a model
    Stop(remote::StopArguments),
    /// Print what a coding agent must be told to use a server
    Launch(launch::Arguments),
    /// Show the settings and where they come from
    Config(settings::Arguments),
    /// Print a script that completes commands in a shell
    Completions(shell::CompletionArguments),
    /// Print the manual, or write its pages
    Man(shell::ManArguments),
    /// Hold one model for the server at the other end of stdin
    #[cfg(feature = "serve")]
    #[command(hide = true)]
    Runner,
}

/// Does what the command line says.
pub(crate) fn main() -> ExitCode {
    run(std::env::args_os().collect())
}

/// Reads a command line, with the configuration file's values as defaults, and does what it says.
fn run(line: Vec<OsString>) -> ExitCode {
    let command = Cli::command();
    let settings = match settings::Settings::load(&command) {
        Ok(settings) => settings,
        Err(error) => return exit::report(&error),
    };
    let matches = settings.apply(command).get_matches_from(line);
    obey(Cli::from_arg_matches(&matches).unwrap_or_else(|error| error.exit()))
}

fn obey(cli: Cli) -> ExitCode {
    let result = match cli.command {
        Command::Generate(arguments) => generate::run(*arguments),
        Command::Chat(arguments) => chat::run(*arguments),
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
        Command::Run(arguments) => match arguments.command_line() {
            Ok(line) => return run(line.into_iter().map(OsString::from).collect()),
            Err(error) => Err(error),
        },
        Command::Ps(arguments) => remote::ps(&arguments),
        Command::Stop(arguments) => remote::stop(&arguments),
        Command::Launch(arguments) => launch::run(&arguments),
        Command::Config(arguments) => settings::run(&arguments, &Cli::command()),
        Command::Completions(arguments) => shell::completions(&arguments, Cli::command()),
        Command::Man(arguments) => shell::man(&arguments, Cli::command()),
        #[cfg(feature = "serve")]
        Command::Runner => serve::runner(),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => exit::report(&error),
    }
}
