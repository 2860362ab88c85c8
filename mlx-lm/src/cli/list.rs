//! `mlx-lm list`.

use super::output::{ago, print_json, print_table, size};
use clap::Args;
use mlx_lm::{
    Result, Summary,
    source::{Installed, SourceOptions, installed},
};
use serde_json::{Value, json};
use std::time::SystemTime;

/// The arguments of `list`.
#[derive(Args)]
pub(crate) struct Arguments {
    /// Only models whose name begins like this
    prefix: Option<String>,
    /// Print a JSON document
    #[arg(long)]
    json: bool,
}

pub(crate) fn run(arguments: Arguments) -> Result<()> {
    let mut models = installed(&SourceOptions::from_env()?)?;
    let count = models.len();
    if let Some(prefix) = &arguments.prefix {
        models.retain(|model| model.name.starts_with(prefix.as_str()));
    }
    if arguments.json {
        let models: Vec<Value> = models.iter().map(document).collect();
        return print_json(&json!({ "models": models }));
    }
    if let (true, Some(prefix), 1..) = (models.is_empty(), &arguments.prefix, count) {
        eprintln!("none of the {count} models here begins with `{prefix}`");
        return Ok(());
    }
    if models.is_empty() {
        eprintln!(
            "no models yet; `mlx-lm pull smollm2:135m` gets one, `mlx-lm fit` shows what suits this machine"
        );
        return Ok(());
    }
    let row = |model: &Installed| {
        [
            model.name.clone(),
            size(model.bytes),
            quantization(model).unwrap_or("?".into()),
            ago(model.modified),
        ]
    };
    print_table(["NAME", " SIZE", "QUANTIZATION", "MODIFIED"], &models.iter().map(row).collect::<Vec<_>>())
}

/// `None` of a model that this program cannot read.
fn quantization(model: &Installed) -> Option<String> {
    Summary::read(&model.location).ok().map(|summary| summary.quantization)
}

fn document(model: &Installed) -> Value {
    let seconds = model.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs();
    json!({
        "name": model.name,
        "path": model.location.path(),
        "bytes": model.bytes,
        "quantization": quantization(model),
        "modified": seconds,
    })
}
