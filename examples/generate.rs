//! Loads a model and streams an answer: `cargo run --release -p examples --example generate -- "your question"`
//!
//! A second argument names the model: a folder, a `.gguf` file, a short name or a repository of the hub.

use mlx_lm::{Lm, Sampling, source::DEFAULT_MODEL};
use std::io::{Write, stdout};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let question = arguments.next().unwrap_or_else(|| "What is the capital of France?".to_owned());
    let name = arguments.next().unwrap_or_else(|| DEFAULT_MODEL.to_owned());

    let lm = Lm::load(&name)?;
    let sampling = Sampling { temperature: 0.7, top_p: 0.9, seed: 1, ..Sampling::default() };
    let mut generation = lm.chat(&question)?.max_tokens(100).sampling(sampling).start()?;
    for piece in &mut generation {
        print!("{}", piece?.text);
        stdout().flush()?;
    }
    println!("\n[{:.1} tokens/s]", generation.stats()?.generation_tps());
    Ok(())
}
