//! `cargo xtask sanitize`: the tests of `mlx` where memory errors show.

use std::env;
use std::process::Command;

use clap::ValueEnum;

use crate::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// What watches over memory
    #[arg(value_enum)]
    tool: Tool,
    /// Integration tests to run [default: all with address, a few with valgrind]
    tests: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Tool {
    /// AddressSanitizer: the C API is instrumented, the heap of all libraries watched (needs GCC)
    Address,
    /// Valgrind's memcheck, some fifty times slower (needs valgrind)
    Valgrind,
}

/// What runs under valgrind in minutes, and reads and writes memory in all the ways there are.
const FOR_VALGRIND: [&str; 5] = ["append_and_attend", "arrays", "errors", "out_of_range", "indexing"];

pub(crate) fn run(arguments: &Arguments) -> Result {
    let folder = root().join("target/sanitize");
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root()).args(["test", "-p", "mlx", "--target-dir"]).arg(&folder);
    let runner = match arguments.tool {
        Tool::Address => {
            // Only the heap: transformations change stacks, and an exception on one that AddressSanitizer does not know
            // of leaves its marks behind.
            command.env("CXXFLAGS", "-fsanitize=address --param asan-stack=0 -fno-omit-frame-pointer -g");
            // Several objects of MLX live until the process ends, on purpose.
            let options = "ASAN_OPTIONS=detect_leaks=0:allocator_may_return_null=1";
            format!("env LD_PRELOAD={} {options}", library("libasan.so")?)
        }
        Tool::Valgrind => "valgrind --quiet --error-exitcode=99".to_owned(),
    };
    let tests: Vec<&str> = match arguments.tool {
        Tool::Valgrind if arguments.tests.is_empty() => FOR_VALGRIND.to_vec(),
        _ => arguments.tests.iter().map(String::as_str).collect(),
    };
    if tests.is_empty() {
        command.args(["--lib", "--tests", "--no-fail-fast"]);
    }
    command.args(tests.iter().flat_map(|test| ["--test", test]));
    command.env("CARGO_TARGET_X86_64_UNKNOWN_LINUX_GNU_RUNNER", runner);
    match command.status()?.success() {
        true => Ok(()),
        false => Err("the tests failed, or the tool found errors".into()),
    }
}

/// Where the C++ compiler keeps a runtime library of its own.
fn library(name: &str) -> Result<String> {
    let compiler = env::var("CXX").unwrap_or_else(|_| "c++".into());
    let output = Command::new(&compiler).arg(format!("-print-file-name={name}")).output()?;
    let path = String::from_utf8(output.stdout)?.trim().to_owned();
    match path.contains('/') {
        true => Ok(path),
        false => Err(format!("{compiler} has no {name}").into()),
    }
}
