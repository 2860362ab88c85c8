//! `mlx-lm cache-prompt`.

use super::{kv::KvArguments, output::size};
use clap::Args;
use mlx::{Array, Engine, eval};
use mlx_lm::{
    Error, Lm, Message, Result, TemplateOptions,
    generate::Snapshot,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use std::{
    collections::BTreeMap,
    io::{IsTerminal, Read},
    path::PathBuf,
};

/// The arguments of `cache-prompt`.
#[derive(Args)]
#[command(
    after_help = "Example: mlx-lm cache-prompt --model llama3.2:3b --prompt - --output book.safetensors <book.txt"
)]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// The beginning of a message; `-` reads it from stdin
    #[arg(long, short)]
    prompt: String,
    /// The `.safetensors` file to write
    #[arg(long, short, visible_alias = "prompt-cache-file")]
    output: PathBuf,
    /// Take the prompt as it is, without the model's chat template
    #[arg(long)]
    raw: bool,
    /// Prompt tokens per evaluation
    #[arg(long, default_value_t = 2048, value_parser = clap::value_parser!(u32).range(1..))]
    prefill_step: u32,
    #[command(flatten)]
    kv: KvArguments,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    if arguments.output.extension().is_none_or(|extension| extension != "safetensors") {
        let file = arguments.output.display();
        return Err(Error::Invalid(format!("{file}: the name of a prompt cache ends in .safetensors")));
    }
    if arguments.prompt == "-" {
        arguments.prompt.clear();
        std::io::stdin().read_to_string(&mut arguments.prompt).map_err(|e| Error::io("stdin", e))?;
    }
    let location = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let engine = Engine::start("mlx-lm", move || Lm::open(&location))?;
    engine.run(move |lm| write(lm, &arguments))?
}

fn write(lm: &Lm, arguments: &Arguments) -> Result<()> {
    let tokens = tokens(lm, arguments)?;
    if tokens.is_empty() {
        return Err(Error::Invalid("the prompt is empty".into()));
    }
    if let Some(limit) = lm.context_length().filter(|limit| tokens.len() > *limit) {
        return Err(Error::ContextLength { prompt: tokens.len(), limit });
    }
    let mut cache = arguments.kv.options().new_cache(lm.model())?;
    let terminal = std::io::stderr().is_terminal();
    let mut done = 0;
    for chunk in tokens.chunks(arguments.prefill_step as usize) {
        lm.model().forward(&Array::from_slice(chunk, &[1, chunk.len() as i32]), &mut cache)?;
        eval(cache.arrays())?;
        mlx::memory::clear_cache()?;
        done += chunk.len();
        if terminal {
            eprint!("\r{done} of {} tokens ", tokens.len());
        }
    }
    if terminal {
        eprintln!();
    }
    let metadata = [("model", arguments.model.as_str()), ("tokenizer_config", "{}")];
    let metadata: BTreeMap<String, String> =
        metadata.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect();
    let count = tokens.len();
    Snapshot { tokens, cache }.save(&arguments.output, &metadata)?;
    let bytes = std::fs::metadata(&arguments.output).map_or(0, |file| file.len());
    eprintln!("wrote {}: {count} tokens, {}", arguments.output.display(), size(bytes));
    Ok(())
}

/// The prompt as the beginning of a message that is not over, as Python mlx-lm has it.
fn tokens(lm: &Lm, arguments: &Arguments) -> Result<Vec<u32>> {
    let tokenizer = lm.tokenizer();
    if arguments.raw || tokenizer.chat_template().is_none() {
        return tokenizer.encode(&arguments.prompt, true);
    }
    let options = TemplateOptions {
        add_generation_prompt: false,
        continue_final_message: true,
        ..TemplateOptions::default()
    };
    let text = tokenizer.apply_chat_template(&[Message::user(arguments.prompt.as_str())], &options)?;
    tokenizer.encode(&text, false)
}
