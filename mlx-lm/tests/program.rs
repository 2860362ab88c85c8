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
