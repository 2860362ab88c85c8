//! What programs link against when MLX's own dependencies are not all here.
//!
//! GNU ld follows a shared library's dependencies when it links a program, and refuses the program if some
//! are absent. MLX for CUDA needs NVIDIA's driver, which a build machine does not have. So programs are
//! linked against a library with the same name and the same functions, all empty, that depends on nothing; at
//! run time the name leads to the real one.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;

use super::capi::run;
use super::compiler::Compiler;
use super::failure::{Result, cannot};

/// C source with one empty function for each that `bindings`, the file made by bindgen, declares.
pub(crate) fn source(bindings: &Path) -> Result<String> {
    let text = fs::read_to_string(bindings).map_err(cannot("read", bindings))?;
    let names = text.lines().filter_map(|line| line.trim().strip_prefix("pub fn ")?.split('(').next());
    Ok(names.map(|name| format!("extern \"C\" void {name}() {{}}\n")).collect())
}

/// Builds `library` from such a source, under the name `soname`.
pub(crate) fn build(compiler: &Compiler, source: &str, soname: &OsStr, library: &Path) -> Result<()> {
    let folder = library.parent().unwrap_or(library);
    fs::create_dir_all(folder).map_err(cannot("create", folder))?;
    let file = folder.join("import.cpp");
    fs::write(&file, source).map_err(cannot("write", &file))?;
    let mut command = compiler.command();
    command.args(["-shared", "-fvisibility=default", "-nostdlib"]).arg(file);
    command.args(["-Xlinker", "-soname", "-Xlinker"]).arg(soname);
    run(command.arg("-o").arg(library), "the import library")
}
