//! `mlx-lm pull`.

use super::output::{print, size};
use clap::Args;
use mlx_lm::{
    Result,
    source::{SourceOptions, installed, resolve},
};

/// The arguments of `pull`.
#[derive(Args)]
#[command(after_help = "Example: mlx-lm pull llama3.2:3b")]
pub(crate) struct Arguments {
    /// A short name or a repository of the hub
    model: String,
    /// Ask for a newer version even if a copy is here
    #[arg(long)]
    update: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let options = SourceOptions { update: arguments.update, ..SourceOptions::from_env()? };
    let location = resolve(&arguments.model, &options)?;
    let models = installed(&options)?;
    if let Some(model) = models.iter().find(|model| model.location == location) {
        eprintln!("{}: {}", model.name, size(model.bytes));
    }
    print(&format!("{}\n", location.path().display()))
}
