//! `mlx-lm rm`.

use super::output::size;
use clap::Args;
use mlx_lm::{
    Result,
    source::{SourceOptions, remove},
};

/// The arguments of `rm`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Short names or repositories of the hub
    #[arg(required = true)]
    models: Vec<String>,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let options = SourceOptions::from_env()?;
    for model in &arguments.models {
        eprintln!("removed {model}: {} free", size(remove(model, &options)?));
    }
    Ok(())
}
