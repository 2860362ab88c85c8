//! Runs the examples that are quick, or made quick by arguments, and looks for what they should say.
//!
//! `cargo test` builds the programs beside this test; with `--test run` alone it does not.

use std::{
    env::{consts::EXE_SUFFIX, current_exe},
    path::PathBuf,
    process::Command,
};

/// A program of `cargo build --examples`: `target/debug/examples/name`, where this test is `target/debug/deps/run-…`.
fn program(name: &str) -> PathBuf {
    let test = current_exe().expect("the path of the test");
    let profile = test.ancestors().nth(2).expect("the folder of the profile");
    let program = profile.join("examples").join(format!("{name}{EXE_SUFFIX}"));
    assert!(program.exists(), "{} is not built: `cargo build -p examples --examples`", program.display());
    program
}

/// What the program prints.
fn output(name: &str, args: &[&str]) -> String {
    let output = Command::new(program(name)).args(args).output().expect("a program that starts");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{name}: {text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

/// The number that stands after `before`, where the text has that last.
fn number(text: &str, before: &str) -> f64 {
    let (_, after) = text.rsplit_once(before).unwrap_or_else(|| panic!("no `{before}` in\n{text}"));
    let number: String = after.trim_start().chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    number.trim_end_matches('.').parse().unwrap_or_else(|_| panic!("no number after `{before}` in\n{text}"))
}

#[test]
fn linear_regression_finds_the_line() {
    let text = output("linear_regression", &[]);
    assert!((number(&text, "offset") - 3.0).abs() < 0.01, "{text}");
    assert!(number(&text, "at most") < 0.01, "{text}");
}

#[test]
fn logistic_regression_finds_the_plane() {
    let text = output("logistic_regression", &[]);
    assert!(number(&text, "seen before,") > 98.0, "{text}");
}

#[test]
fn mlp_reads_digits() {
    let text = output("mlp_digits", &["10"]);
    assert!(number(&text, "test accuracy") >= 95.0, "{text}");
}

/// An even guess among 61 letters has a loss of 4.1.
#[test]
fn transformer_learns_letters() {
    let plot = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("loss.svg");
    let path = plot.to_str().expect("a path of text");
    let text = output("char_transformer", &["--steps", "20", "--dims", "32", "--plot", path]);
    assert!(number(&text, ": loss") < 3.9, "{text}");
    let svg = std::fs::read_to_string(plot).expect("the plot");
    assert!(svg.contains("<svg") && svg.contains("<polyline"), "{svg}");
}

#[test]
fn vmap_and_compile_are_timed() {
    let text = output("vmap_compile", &["1"]);
    for row in ["a loop", "vmap, compiled", "as it is"] {
        assert!(number(&text, row) > 0.0, "{text}");
    }
}

/// Both say what is missing where the machine has no such GPU, and compare themselves with MLX where it has.
#[test]
fn kernels_work_or_say_why_not() {
    for name in ["metal_kernel", "cuda_kernel"] {
        let text = output(name, &[]);
        if !text.starts_with("there is no") {
            assert!(number(&text, "largest difference") < 0.02, "{text}");
        }
    }
}

#[test]
fn the_others_run() {
    assert!(output("arrays", &[]).contains("sum"));
    assert!(output("rust_op", &[]).contains("gradient"));
    assert!(output("all_reduce", &[]).contains("the mean of all is 99.5"));
}
