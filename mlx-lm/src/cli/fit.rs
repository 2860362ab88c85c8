//! `mlx-lm fit`.

use super::output::{print_json, print_table, size};
use clap::Args;
use mlx_lm::{Fit, Machine, Result, fit, source::SourceOptions};
use serde_json::json;

/// The arguments of `fit`.
#[derive(Args)]
#[command(after_help = "Sizes are estimates, with a cache in half precision.")]
pub(crate) struct Arguments {
    /// Only models that fit with so many tokens
    #[arg(long, value_name = "TOKENS", default_value_t = 0)]
    context: u64,
    /// Judge for so many GB instead of this machine's
    #[arg(long, value_name = "GB")]
    memory: Option<f64>,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let machine = Machine::detect()?;
    let usable = arguments.memory.map_or(machine.usable, |gigabytes| (gigabytes.max(0.0) * 1e9) as u64);
    let mut fits = fit(usable, &SourceOptions::from_env()?)?;
    fits.retain(|fit| fit.context >= arguments.context);
    if arguments.json {
        return print_json(&json!({ "machine": machine, "usable": usable, "models": fits }));
    }
    eprintln!("{}: {} of {} for models\n", machine.device, size(usable), size(machine.memory));
    let row = |fit: &Fit| {
        let (context, memory) = match fit.context {
            0 => ("does not fit".to_owned(), String::new()),
            context if context == fit.context_length => (format!("{context} (all)"), size(fit.memory)),
            context => (format!("{context} of {}", fit.context_length), size(fit.memory)),
        };
        let here = if fit.installed { "yes" } else { "" };
        [fit.name.clone(), size(fit.weight_bytes), context, memory, here.to_owned()]
    };
    let rows: Vec<_> = fits.iter().map(row).collect();
    print_table(["NAME", " WEIGHTS", " CONTEXT", " MEMORY", "INSTALLED"], &rows)
}
