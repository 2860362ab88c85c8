//! `mlx-lm show`.

use super::output::{count, print, print_json, size};
use clap::Args;
use mlx_lm::{
    Machine, Result, Summary,
    source::{DEFAULT_MODEL, SourceOptions, resolve},
};
use serde_json::{Value, json};

/// The arguments of `show`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// A folder, a .gguf file, a short name or a repository of the hub [default: smollm2:135m]
    model: Option<String>,
    /// The same, as other commands take it
    #[arg(short, long = "model", value_name = "MODEL", conflicts_with = "model")]
    named: Option<String>,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

/// Contexts that the need of memory is shown for, up to the model's own.
const CONTEXTS: [u64; 5] = [4_096, 16_384, 32_768, 131_072, 1_048_576];

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let model = arguments.model.or(arguments.named).unwrap_or_else(|| DEFAULT_MODEL.to_owned());
    let location = resolve(&model, &SourceOptions::from_env()?)?;
    let summary = Summary::read(&location)?;
    let machine = Machine::detect()?;
    let longest = summary.context_length.map_or(u64::MAX, |length| length as u64);
    let mut contexts: Vec<u64> = CONTEXTS.into_iter().filter(|context| *context < longest).collect();
    contexts.extend(summary.context_length.map(|length| length as u64));
    let capabilities = [("chat", summary.chat), ("tools", summary.tools), ("thinking", summary.thinking)];
    let capabilities: Vec<&str> =
        capabilities.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
    if arguments.json {
        let memory = |context: &u64| json!({ "context": context, "bytes": summary.memory(*context) });
        return print_json(&json!({
            "model": model,
            "path": location.path(),
            "architecture": summary.architecture,
            "supported": summary.supported,
            "parameters": summary.parameters,
            "quantization": summary.quantization,
            "bits_per_weight": summary.bits_per_weight(),
            "weight_bytes": summary.weight_bytes,
            "context_length": summary.context_length,
            "cache_bytes_per_token": summary.cache.bytes(1),
            "memory": contexts.iter().map(memory).collect::<Vec<Value>>(),
            "capabilities": capabilities,
            "machine": machine,
        }));
    }
    let supported = if summary.supported { "" } else { " (not supported)" };
    let memory = |context: &u64| {
        let bytes = summary.memory(*context);
        let verdict = if bytes <= machine.usable { "fits" } else { "does not fit" };
        format!("{:>14} at {context} tokens, {verdict}", size(bytes))
    };
    let lines = [
        format!("model          {model}"),
        format!("path           {}", location.path().display()),
        format!("architecture   {}{supported}", summary.architecture),
        format!("parameters     {}", count(summary.parameters)),
        format!("quantization   {} ({:.2} bits per weight)", summary.quantization, summary.bits_per_weight()),
        format!("weights        {}", size(summary.weight_bytes)),
        format!(
            "context        {}",
            summary.context_length.map_or("unknown".into(), |length| format!("{length} tokens"))
        ),
        format!(
            "capabilities   {}",
            if capabilities.is_empty() { "none".into() } else { capabilities.join(", ") }
        ),
        format!("memory         of {} for models on this machine:", size(machine.usable)),
    ];
    let memory: Vec<String> = contexts.iter().map(memory).collect();
    print(&(lines.into_iter().chain(memory).collect::<Vec<_>>().join("\n") + "\n"))
}
