//! `mlx-lm perplexity`.

use super::output::{print, print_json};
use clap::Args;
use mlx::Engine;
use mlx_lm::{
    Error, Lm, Result,
    measure::{PerplexityOptions, perplexity},
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::json;
use std::{io::IsTerminal, io::Read, path::PathBuf, time::Instant};

/// The arguments of `perplexity`.
#[derive(Args)]
#[command(after_help = "Example: mlx-lm perplexity --model llama3.2:3b --file wiki.test.raw")]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// The text to predict; `-` reads it from stdin
    #[arg(long, short)]
    file: PathBuf,
    /// Tokens of each piece of the text
    #[arg(long, default_value_t = 512)]
    sequence_length: usize,
    /// Pieces that go through the model at once
    #[arg(long, default_value_t = 8)]
    batch_size: usize,
    /// The most pieces [default: all]
    #[arg(long)]
    num_samples: Option<usize>,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let mut text = String::new();
    if arguments.file.as_os_str() == "-" {
        std::io::stdin().read_to_string(&mut text).map_err(|e| Error::io("stdin", e))?;
    } else {
        text = std::fs::read_to_string(&arguments.file).map_err(|e| Error::io(&arguments.file, e))?;
    }
    let location = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let engine = Engine::start("mlx-lm", move || Lm::open(&location))?;
    engine.run(move |lm| answer(lm, &text, &arguments))?
}

fn answer(lm: &Lm, text: &str, arguments: &Arguments) -> Result<()> {
    let tokens = lm.tokenizer().encode(text, true)?;
    let options = PerplexityOptions {
        sequence_length: arguments.sequence_length,
        batch_size: arguments.batch_size,
        max_pieces: arguments.num_samples,
    };
    let terminal = std::io::stderr().is_terminal();
    let start = Instant::now();
    let result = perplexity(lm.model(), &tokens, options, |done, of| {
        if terminal {
            eprint!("\r{done}/{of} ");
        }
    })?;
    if terminal {
        eprintln!();
    }
    let rate = result.tokens as f64 / start.elapsed().as_secs_f64();
    if arguments.json {
        return print_json(&json!({
            "model": arguments.model,
            "perplexity": result.value,
            "standard_error": result.standard_error,
            "tokens": result.tokens,
            "tokens_per_second": rate,
            "peak_memory_bytes": mlx::memory::peak()?,
        }));
    }
    print(&format!("perplexity {:.4} ± {:.4}\n", result.value, result.standard_error))?;
    eprintln!("{} tokens, {rate:.1} tokens/s", result.tokens);
    Ok(())
}
