//! `mlx-lm completions` and `mlx-lm man`: for shells and package makers.

use clap::{Args, Command};
use clap_complete::Shell;
use mlx_lm::{Error, Result};
use std::{io::Write, path::PathBuf};

/// The arguments of `completions`.
#[derive(Args)]
#[command(
    after_help = "Example: mlx-lm completions bash > ~/.local/share/bash-completion/completions/mlx-lm"
)]
pub(crate) struct CompletionArguments {
    /// The shell
    shell: Shell,
}

pub(crate) fn completions(arguments: &CompletionArguments, mut command: Command) -> Result<()> {
    let mut script = vec![];
    clap_complete::generate(arguments.shell, &mut command, "mlx-lm", &mut script);
    std::io::stdout().write_all(&script).map_err(|error| Error::io("stdout", error))
}

/// The arguments of `man`.
#[derive(Args)]
pub(crate) struct ManArguments {
    /// The folder for the pages; without it the main page goes to stdout
    folder: Option<PathBuf>,
}

pub(crate) fn man(arguments: &ManArguments, command: Command) -> Result<()> {
    match &arguments.folder {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|error| Error::io(folder, error))?;
            clap_mangen::generate_to(command, folder).map_err(|error| Error::io(folder, error))
        }
        None => clap_mangen::Man::new(command)
            .render(&mut std::io::stdout())
            .map_err(|error| Error::io("stdout", error)),
    }
}
