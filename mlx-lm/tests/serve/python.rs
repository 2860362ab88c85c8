//! Python environments with the packages that drive the server.

use mlx_lm::source::SourceOptions;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    sync::{Mutex, PoisonError},
};

/// Tests that run at once may want the same environment.
static MAKING: Mutex<()> = Mutex::new(());

/// An interpreter that has the packages of `requirements`, a file beside this one; the environment is made once in the
/// user's cache.
pub(crate) fn interpreter(requirements: &str) -> PathBuf {
    let _alone = MAKING.lock().unwrap_or_else(PoisonError::into_inner);
    let requirements = here(requirements);
    let pinned: String =
        fs::read_to_string(&requirements).unwrap().split_whitespace().collect::<Vec<_>>().join("-");
    let area = SourceOptions::from_env().unwrap().cache_dir.join("python");
    let environment = area.join(pinned);
    let python = environment.join("bin/python");
    let done = environment.join("complete");
    if !done.exists() {
        fs::create_dir_all(&area).unwrap();
        // What an interrupted run has left is not there, most of the time.
        let _ = fs::remove_dir_all(&environment);
        let base = std::env::var_os("PYTHON").unwrap_or_else(|| "python3".into());
        run(Command::new(base).args(["-m", "venv"]).arg(&environment));
        let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement"];
        run(Command::new(&python).args(pip).arg(requirements));
        fs::write(done, "").unwrap();
    }
    python
}

/// The path of a file beside this one.
pub(crate) fn here(name: &str) -> PathBuf {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve")).join(name)
}

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}

/// Runs a script beside this one, in a folder of its own; it must end well.
#[track_caller]
pub(crate) fn script(python: &Path, name: &str, arguments: &[&str], log: impl Fn() -> String) {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(python);
    command.arg("-B").arg(here(name)).args(arguments).current_dir(&folder);
    let output = command.output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&text), log());
}
