//! The official Python clients of OpenAI, Anthropic and Ollama, unmodified.

use super::program::{MODEL, Server};
use mlx_lm::source::SourceOptions;
use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

const KEY: &str = "a-key-for-clients";

#[test]
fn official_clients_are_served() {
    let python = interpreter();
    let server = Server::with_model(&["--api-key", KEY, "--context", "1024"]);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients.py");
    let url = format!("http://{}", server.address);
    let output = Command::new(python).args(["-B", script, &url, MODEL, KEY]).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    assert!(output.status.success(), "{}\n{}", String::from_utf8_lossy(&text), server.log());
}

/// An interpreter that has the clients; the environment is made once in the user's cache.
fn interpreter() -> PathBuf {
    let requirements = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/serve/clients.txt"));
    let pinned: String =
        fs::read_to_string(requirements).unwrap().split_whitespace().collect::<Vec<_>>().join("-");
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

fn run(command: &mut Command) {
    let status = command.status().unwrap();
    assert!(status.success(), "{command:?}: {status}");
}
