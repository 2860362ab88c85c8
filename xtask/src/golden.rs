//! `cargo xtask golden`: what Python's MLX and mlx-lm compute, as fixtures for the tests.

use clap::ValueEnum;

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
    /// A function exported by Python, for the tests of `mlx`; not compared, as it holds addresses (seconds)
    Export,
    /// Logits of tiny models with weights derived from parameter names (seconds)
    Tiny,
    /// Greedy continuations of SmolLM2-135M (about ten minutes)
    Smollm2,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let python = interpreter()?;
    let fixtures = root().join("mlx-lm/tests/fixtures/golden");
    let output = if arguments.check { vacant("golden", "fresh")? } else { fixtures.clone() };
    let sets = if arguments.sets.is_empty() { Set::value_variants() } else { &arguments.sets };
    if sets.contains(&Set::Export) && !arguments.check {
        execute(script(&python, "export.py").arg(root().join("mlx/tests/fixtures/export")))?;
    }
    if sets.contains(&Set::Tiny) {
        execute(script(&python, "goldens.py").arg(&output))?;
    }
    if sets.contains(&Set::Smollm2) {
        let model = vacant("golden", "smollm2")?;
        execute(script(&python, "smollm2_folder.py").arg(&model))?;
        execute(script(&python, "smollm2_greedy.py").arg(&model).arg(&output))?;
    }
    if arguments.check {
        execute(script(&python, "check.py").arg(&fixtures).arg(&output))?;
    }
    Ok(())
}
