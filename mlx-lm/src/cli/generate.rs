//! `mlx-lm generate`.

use super::{
    constraint::ConstraintArguments, kv::KvArguments, prompt_cache::PromptCacheArguments,
    sampling::SamplingArguments, speculation::SpeculationArguments,
};
use clap::Args;
use mlx::Engine;
use mlx_lm::{
    Error, Finish, Lm, Message, Result, Stats, TemplateOptions,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::json;
use std::io::{IsTerminal, Read, Write};

/// The arguments of `generate`.
#[derive(Args)]
#[command(after_help = "Examples:
  mlx-lm generate --prompt \"What is the capital of France?\"
  git diff | mlx-lm generate --model llama3.2:3b --system \"Review this change.\" --prompt -")]
pub(crate) struct Arguments {
    /// What to answer; `-` reads it from stdin
    #[arg(long, short)]
    prompt: String,
    /// A folder, a .gguf file, a short name or a repository of the hub
    #[arg(long, short, default_value = DEFAULT_MODEL)]
    model: String,
    /// A system message before the prompt
    #[arg(long, conflicts_with = "raw")]
    system: Option<String>,
    /// Continue the prompt as it is, without the model's chat template
    #[arg(long)]
    raw: bool,
    /// The most tokens to generate
    #[arg(long, default_value_t = 256)]
    max_tokens: usize,
    #[command(flatten)]
    sampling: SamplingArguments,
    #[command(flatten)]
    constraint: ConstraintArguments,
    #[command(flatten)]
    kv: KvArguments,
    #[command(flatten)]
    prompt_cache: PromptCacheArguments,
    #[command(flatten)]
    speculation: SpeculationArguments,
    /// Stop where this text would begin; may be given more than once
    #[arg(long, value_name = "TEXT")]
    stop: Vec<String>,
    /// Print one JSON document instead of the text
    #[arg(long)]
    json: bool,
    /// Say how tokens are chosen, and where the time goes
    #[arg(long, short)]
    verbose: bool,
}

pub(crate) fn run(mut arguments: Arguments) -> Result<()> {
    if arguments.prompt == "-" {
        arguments.prompt.clear();
        std::io::stdin().read_to_string(&mut arguments.prompt).map_err(|e| Error::io("stdin", e))?;
    }
    let location = resolve(&arguments.model, &SourceOptions::from_env()?)?;
    let note = std::io::stderr().is_terminal();
    if note {
        eprint!("loading {} … ", arguments.model);
    }
    let engine = Engine::start("mlx-lm", move || Lm::open(&location))?;
    if note {
        eprintln!("done");
    }
    engine.run(move |lm| answer(lm, &arguments))?
}

fn answer(lm: &Lm, arguments: &Arguments) -> Result<()> {
    for warning in lm.warnings() {
        eprintln!("warning: {warning}");
    }
    let raw = arguments.raw || lm.tokenizer().chat_template().is_none();
    if raw && !arguments.raw {
        eprintln!("note: the model has no chat template; the prompt is continued as it is");
    }
    let cached = arguments.prompt_cache.request(lm, &arguments.model, &arguments.prompt, raw)?;
    let request = if let Some(request) = cached {
        request
    } else if raw {
        if arguments.system.is_some() {
            return Err(Error::Invalid("--system needs a model with a chat template".into()));
        }
        lm.generate(arguments.prompt.as_str())
    } else {
        let system = arguments.system.as_deref().map(Message::system);
        let messages: Vec<_> = system.into_iter().chain([Message::user(arguments.prompt.as_str())]).collect();
        lm.chat_with(&messages, &TemplateOptions::default())?
    };
    let request = arguments.sampling.apply(lm, request)?;
    let request = arguments.constraint.apply(lm, request)?;
    let request = arguments.prompt_cache.apply(arguments.kv.apply(request));
    let draft = arguments.speculation.open()?;
    let request = arguments.speculation.apply(draft.as_ref(), request)?;
    let request = request.max_tokens(arguments.max_tokens).stop(&arguments.stop);
    let mut generation = request.start()?;
    if let Some(note) = generation.note() {
        eprintln!("note: {note}");
    }

    let (mut ids, mut text, mut finish) = (vec![], String::new(), Finish::Length);
    for piece in &mut generation {
        let piece = piece?;
        ids.push(piece.id);
        finish = piece.finish.unwrap_or(finish);
        if arguments.json {
            text.push_str(&piece.text);
        } else {
            print(&piece.text)?;
        }
    }
    let stats = generation.stats()?;
    arguments.prompt_cache.save(&arguments.model, &mut generation)?;
    if arguments.json {
        return print(&format!("{:#}\n", document(arguments, &text, &ids, finish, &stats)));
    }
    print("\n")?;
    summarize(&stats);
    if arguments.verbose {
        arguments.sampling.explain(lm);
        explain(&stats);
    }
    Ok(())
}

fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Error::io("stdout", e))
}

pub(super) fn summarize(stats: &Stats) {
    const GIB: f64 = (1u64 << 30) as f64;
    eprintln!();
    let cached =
        if stats.cached_tokens > 0 { format!(" ({} cached)", stats.cached_tokens) } else { String::new() };
    eprintln!("prompt       {:>6} tokens{cached}, {:.1} tokens/s", stats.prompt_tokens, stats.prompt_tps());
    eprintln!("generation   {:>6} tokens, {:.1} tokens/s", stats.generated_tokens, stats.generation_tps());
    eprintln!("first token  {:>6.2} s", stats.time_to_first_token.as_secs_f64());
    eprintln!("peak memory  {:>6.2} GiB", stats.peak_memory as f64 / GIB);
}

/// Where the time of a step goes.
fn explain(stats: &Stats) {
    let host = stats.host;
    let step = |time| host.per_step(time).as_secs_f64() * 1e3;
    eprintln!(
        "step         {:>6.3} ms: {:.3} recording the forward pass, {:.3} waiting, {:.3} the rest",
        step(host.total),
        step(host.forward),
        step(host.wait),
        step(host.engine())
    );
    if stats.drafted_tokens > 0 {
        eprintln!("draft        {:>6} tokens guessed", stats.drafted_tokens);
    }
}

fn document(
    arguments: &Arguments,
    text: &str,
    ids: &[u32],
    finish: Finish,
    stats: &Stats,
) -> serde_json::Value {
    json!({
        "model": arguments.model,
        "text": text,
        "token_ids": ids,
        "finish_reason": match finish { Finish::Stop => "stop", Finish::Time => "time", _ => "length" },
        "prompt_tokens": stats.prompt_tokens,
        "generated_tokens": stats.generated_tokens,
        "prompt_tokens_per_second": stats.prompt_tps(),
        "generation_tokens_per_second": stats.generation_tps(),
        "time_to_first_token_seconds": stats.time_to_first_token.as_secs_f64(),
        "peak_memory_bytes": stats.peak_memory,
    })
}
