//! `cargo xtask golden`: what Python's MLX and mlx-lm compute, as fixtures for the tests of `mlx` and `mlx-lm`.

use std::path::PathBuf;

use clap::ValueEnum;

use crate::compare::build_program;
use crate::python_env::{interpreter, run as execute, script, vacant};
use crate::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What to compute [default: all]
    #[arg(value_enum)]
    sets: Vec<Set>,
    /// Only compare with the fixtures in the repository, and fail if they differ.
    #[arg(long)]
    check: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Set {
    /// Prompt caches of tiny models by Python mlx-lm; not compared, the tests do (seconds)
    Caches,
    /// What transformers assumes of models whose config.json says nothing, for `mlx-lm` itself (seconds)
    Defaults,
    /// Vectors of texts by a tiny model (seconds)
    Embeddings,
    /// A function exported by Python, for the tests of `mlx`; not compared, as it holds addresses (seconds)
    Export,
    /// Whether Python mlx-lm loads what `mlx-lm convert` writes, and computes the same; writes nothing (minutes)
    Loads,
    /// The functions and layers of mlx.nn (seconds)
    Nn,
    /// The operations of mlx.core (seconds)
    Ops,
    /// Steps of mlx.optimizers (seconds)
    Optimizers,
    /// The comparison of transformers' checkpoints in docs/architectures.md (seconds)
    Table,
    /// Logits of tiny models with weights derived from parameter names (seconds)
    Tiny,
    /// What conversions make of the tiny models and of SmolLM2-135M, after the tiny models themselves (a minute)
    Conversions,
    /// Perplexities of a tiny model and of SmolLM2-135M (seconds)
    Perplexity,
    /// Greedy continuations of SmolLM2-135M (about ten minutes)
    Smollm2,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let python = interpreter()?;
    let sets = if arguments.sets.is_empty() { Set::value_variants() } else { &arguments.sets };
    let [arrays, models] = [
        Place::new("mlx/tests/golden", "arrays", arguments.check)?,
        Place::new("mlx-lm/tests/fixtures/golden", "models", arguments.check)?,
    ];
    if sets.contains(&Set::Caches) && !arguments.check {
        let folder = root().join("mlx-lm/tests/fixtures/prompt_cache");
        execute(script(&python, "prompt_caches.py").arg(folder))?;
    }
    if sets.contains(&Set::Defaults) && !arguments.check {
        execute(script(&python, "config_defaults.py").arg(root().join("mlx-lm/src/config/defaults.json")))?;
    }
    if sets.contains(&Set::Embeddings) {
        execute(script(&python, "embeddings.py").arg(&models.output))?;
    }
    if sets.contains(&Set::Export) && !arguments.check {
        execute(script(&python, "export.py").arg(root().join("mlx/tests/golden/export")))?;
    }
    if sets.contains(&Set::Loads) {
        let program = build_program("dev")?;
        execute(script(&python, "loads.py").arg(program).arg(root().join("mlx-lm/tests/fixtures/golden")))?;
    }
    if sets.contains(&Set::Nn) {
        for file in ["nn.py", "nn_modules.py"] {
            execute(script(&python, file).arg(&arrays.output))?;
        }
    }
    if sets.contains(&Set::Ops) {
        execute(script(&python, "ops.py").arg(&arrays.output))?;
    }
    if sets.contains(&Set::Optimizers) {
        execute(script(&python, "optimizers.py").arg(&arrays.output))?;
    }
    if sets.contains(&Set::Table) && !arguments.check {
        let fixtures = root().join("mlx-lm/tests/fixtures/golden");
        execute(
            script(&python, "architectures_table.py").arg(fixtures).arg(root().join("docs/architectures.md")),
        )?;
    }
    if sets.contains(&Set::Tiny) {
        execute(script(&python, "goldens.py").arg(&models.output))?;
    }
    if sets.contains(&Set::Conversions) {
        let model = vacant("golden", "conversions")?;
        execute(script(&python, "smollm2_folder.py").arg(&model))?;
        let committed = &models.committed;
        execute(script(&python, "conversions.py").arg(&model).arg(committed).arg(&models.output))?;
    }
    if sets.contains(&Set::Perplexity) {
        let model = vacant("golden", "perplexity")?;
        execute(script(&python, "smollm2_folder.py").arg(&model))?;
        execute(script(&python, "perplexity.py").arg(&model).arg(&models.output))?;
    }
    if sets.contains(&Set::Smollm2) {
        let model = vacant("golden", "smollm2")?;
        execute(script(&python, "smollm2_folder.py").arg(&model))?;
        execute(script(&python, "smollm2_greedy.py").arg(&model).arg(&models.output))?;
    }
    if arguments.check {
        for place in [arrays, models].iter().filter(|place| place.output.exists()) {
            execute(script(&python, "check.py").arg(&place.committed).arg(&place.output))?;
        }
    }
    Ok(())
}

/// A folder of goldens in the repository, and where fresh ones go: there, or beside to be compared.
struct Place {
    committed: PathBuf,
    output: PathBuf,
}

impl Place {
    fn new(committed: &str, fresh: &str, check: bool) -> Result<Place> {
        let committed = root().join(committed);
        let output = if check { vacant("golden", fresh)? } else { committed.clone() };
        Ok(Place { committed, output })
    }
}
