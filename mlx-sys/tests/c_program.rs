//! The C API is one for C: `c_api.c` compiles as strict C11 against its headers alone, and runs.

use std::path::Path;
use std::process::Command;

#[test]
fn c_program_compiles_and_runs() {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder for the program");
    let program = folder.path().join("c_api");
    let library = env!("MLX_CAPI_DIR");
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.args(["-std=c11", "-pedantic", "-Wall", "-Wextra", "-Werror", "-I"]);
    compiler.arg(package.join("capi/include")).arg(package.join("tests/c_api.c")).arg("-o").arg(&program);
    compiler.args(["-L", library, "-lmlx_capi", "-lm"]);
    run(&mut compiler);
    assert_eq!(run(&mut Command::new(program)), "ok\n");
}

/// The standard output of a command that must succeed.
fn run(command: &mut Command) -> String {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {}\n{errors}", output.status);
    String::from_utf8_lossy(&output.stdout).into_owned()
}
