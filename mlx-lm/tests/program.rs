//! The program `mlx-lm` as a shell sees it: exit codes, what goes to stdout, what to stderr.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mlx-lm"));
    // No hub and no leftovers of other runs.
    command.args(arguments).env("HF_HUB_OFFLINE", "1").env_remove("HF_TOKEN").output().unwrap()
}

#[test]
fn errors_have_codes_and_messages() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/gguf/quantized.gguf");
    let cases: [(&[&str], i32, &str); 8] = [
        (&[], 2, "Usage: mlx-lm"),
        (&["generate"], 2, "--prompt <PROMPT>"),
        (
            &["generate", "--prompt", "x", "--temprature", "1"],
            2,
            "a similar argument exists: '--temperature'",
        ),
        (
            &["generate", "--prompt", "x", "--model", "./nowhere"],
            3,
            "no model `./nowhere`: there is no such folder",
        ),
        (&["generate", "--prompt", "x", "--model", "llama3.2:7b"], 3, "did you mean llama3.2:"),
        (
            &["generate", "--prompt", "x", "--model", "no-one/nothing"],
            4,
            "not in the cache, and offline mode is on",
        ),
        (&["generate", "--prompt", "x", "--top-p", "1.5"], 1, "top-p is 1.5; it must be from 0 to 1"),
        (&["generate", "--prompt", "x", "--model", file], 5, "error: "),
    ];
    for (arguments, code, message) in cases {
        let output = run(arguments);
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {stderr}");
        assert!(stderr.contains(message), "{arguments:?}: {stderr}");
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn help_names_the_exit_codes_and_defaults() {
    let output = run(&["--help"]);
    assert!(output.status.success());
    assert!(String::from_utf8_lossy(&output.stdout).contains("3 no such model"));
    let help = String::from_utf8_lossy(&run(&["generate", "--help"]).stdout).into_owned();
    assert!(help.contains("[default: smollm2:135m]") && help.contains("[default: 256]"), "{help}");
}

fn json(arguments: &[&str]) -> serde_json::Value {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

#[test]
fn models_are_judged_and_listed() {
    let fits = json(&["fit", "--memory", "16", "--context", "8192", "--json"]);
    let names: Vec<&str> =
        fits["models"].as_array().unwrap().iter().map(|fit| fit["name"].as_str().unwrap()).collect();
    assert!(names.contains(&"llama3.1:8b") && !names.contains(&"llama3.3:70b"), "{names:?}");

    let home = tempfile::tempdir().unwrap();
    let mut command = Command::new(env!("CARGO_BIN_EXE_mlx-lm"));
    command.env("HF_HOME", home.path()).env("MLX_RS_CACHE_DIR", home.path()).env_remove("HF_HUB_CACHE");
    let output = command.args(["list", "--json"]).output().unwrap();
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "{\n  \"models\": []\n}\n");
    assert_eq!(run(&["rm", "no-one/nothing"]).status.code(), Some(3));
    assert_eq!(run(&["convert", "--output", "x", "--q-bits", "4"]).status.code(), Some(2));
    assert_eq!(run(&["convert", "--output", "x", "--quantize", "--q-mode", "fp5"]).status.code(), Some(2));
    assert_eq!(run(&["convert", "--output", "x", "--quantize", "--q-bits", "7"]).status.code(), Some(1));
}
