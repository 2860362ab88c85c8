//! `mlx-lm convert`.

use clap::{Args, ValueEnum};
use mlx::{Dtype, Engine};
use mlx_lm::{
    ConvertOptions, Error, Result, convert,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use std::path::PathBuf;

/// The arguments of `convert`.
#[derive(Args)]
#[command(after_help = "Example: mlx-lm convert --model model.gguf --output model-mlx")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// The folder to write; it must not exist
    #[arg(long, short)]
    output: PathBuf,
    /// The type of floating-point tensors; packed weights stay as they are [default: as stored]
    #[arg(long, value_enum)]
    dtype: Option<FloatType>,
}

#[derive(Clone, Copy, ValueEnum)]
enum FloatType {
    Float32,
    Float16,
    Bfloat16,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let source = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let dtype = arguments.dtype.map(|dtype| match dtype {
        FloatType::Float32 => Dtype::F32,
        FloatType::Float16 => Dtype::F16,
        FloatType::Bfloat16 => Dtype::Bf16,
    });
    let output = arguments.output.clone();
    let engine = Engine::start("mlx-lm", || Ok::<_, Error>(()))?;
    engine.run(move |()| convert(&source, &output, ConvertOptions { dtype }))??;
    eprintln!("wrote {}", arguments.output.display());
    Ok(())
}
