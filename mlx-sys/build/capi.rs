//! Compiles the C API into a shared library that knows where it is and where MLX is.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::cache::{Cache, predate};
use super::compiler::Compiler;
use super::failure::{Failure, Result};
use super::fingerprint::Fingerprint;
use super::import_library;
use super::locate::Mlx;
use super::target::Target;

/// How programs find the library, and how the library finds MLX.
struct Names {
    /// The ELF SONAME or Mach-O install name, which the linker copies into every program.
    own: OsString,
    /// The run path to the folder of `libmlx`.
    mlx: OsString,
}

impl Names {
    /// Names for programs that run on this machine, from anywhere and without a run path: where the library is.
    fn absolute(library: PathBuf, mlx: &Mlx) -> Names {
        Names { own: library.into(), mlx: mlx.lib.clone().into() }
    }

    /// Names for a folder that can be moved: `lib/libmlx_capi` beside `mlx/lib/libmlx`. Its programs need a run
    /// path to `lib`.
    fn relocatable(file: &str, target: &Target) -> Names {
        let [own, here] = if target.is_macos() { ["@rpath/", "@loader_path"] } else { ["", "$ORIGIN"] };
        Names { own: format!("{own}{file}").into(), mlx: format!("{here}/../mlx/lib").into() }
    }
}

/// Set to make a library for another machine.
pub(crate) const RELOCATABLE: &str = "MLX_RS_RELOCATABLE";

/// The compiled C API.
pub(crate) struct Capi {
    /// The folder of `libmlx_capi`.
    pub(crate) folder: PathBuf,
    /// The folder that programs are linked against.
    pub(crate) link: PathBuf,
}

/// The C API in `source` over `mlx`, from the cache if nothing it depends on has changed.
pub(crate) fn library(
    source: &Path,
    bindings: &Path,
    mlx: &Mlx,
    target: &Target,
    cache: &Cache,
) -> Result<Capi> {
    let compiler = Compiler::find(target)?;
    let mut fingerprint = Fingerprint::default();
    fingerprint.add_folder(source)?;
    fingerprint.add(&mlx.identity);
    fingerprint.add(mlx.lib.as_os_str().as_encoded_bytes());
    compiler.add_to(&mut fingerprint);
    let import = if mlx.backend.is_cuda() { Some(import_library::source(bindings)?) } else { None };
    fingerprint.add(import.as_deref().unwrap_or_default());
    let relocatable = env::var_os(RELOCATABLE).is_some_and(|value| !value.is_empty() && value != "0");
    if relocatable {
        fingerprint.add(RELOCATABLE);
    }
    let name = fingerprint.name();

    let file = target.shared_library("mlx_capi");
    let folder = cache.path("capi", &name);
    let names = match relocatable {
        true => Names::relocatable(&file, target),
        false => Names::absolute(folder.join(&file), mlx),
    };
    cache.entry("capi", &name, |folder| {
        let library = folder.join(&file);
        let mut command = compile_and_link(&compiler, source, mlx, target, &names);
        run(command.arg("-o").arg(&library), "MLX's C API")?;
        if let Some(import) = &import {
            import_library::build(&compiler, import, &names.own, &folder.join("link").join(&file))?;
        }
        predate(&library)
    })?;
    println!("cargo::rerun-if-changed={}", folder.join(&file).display());
    let link = if import.is_some() { folder.join("link") } else { folder.clone() };
    Ok(Capi { folder, link })
}

/// The command that makes the library out of the one source file that includes all others.
fn compile_and_link(
    compiler: &Compiler,
    source: &Path,
    mlx: &Mlx,
    target: &Target,
    names: &Names,
) -> Command {
    let mut command = compiler.command();
    command.arg("-I").arg(source.join("include")).arg("-I").arg(source.join("src"));
    command.arg("-isystem").arg(&mlx.include).arg(source.join("mlx_capi.cpp"));
    command.arg("-L").arg(&mlx.lib).arg("-lmlx");
    // One -Xlinker per word: a path may have commas, at which -Wl would split it.
    let mut linker = |words: &[OsString]| {
        for word in words {
            command.arg("-Xlinker").arg(word);
        }
    };
    linker(&["-rpath".into(), names.mlx.clone()]);
    if target.is_macos() {
        linker(&["-install_name".into(), names.own.clone()]);
        command.arg("-dynamiclib");
    } else {
        linker(&["-soname".into(), names.own.clone()]);
        // Undefined symbols of ours are errors; those of libmlx are not, as NVIDIA's libraries may be absent
        // here.
        linker(&["-z".into(), "defs".into(), "--allow-shlib-undefined".into()]);
        // Makes it an RPATH, which unlike a RUNPATH comes before LD_LIBRARY_PATH and so before any other
        // libmlx.
        linker(&["--disable-new-dtags".into()]);
        command.arg("-shared");
    }
    command
}

/// Runs a compiler, with its output in the failure.
pub(crate) fn run(command: &mut Command, what: &str) -> Result<()> {
    let program = command.get_program().display().to_string();
    let output =
        command.output().map_err(|error| Failure::Missing(format!("cannot run {program}: {error}")))?;
    if output.status.success() {
        return Ok(());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    // Without the environment, which `{:?}` of the command would show in full.
    let arguments: Vec<_> = command.get_args().map(|argument| argument.to_string_lossy()).collect();
    Err(Failure::Refused(format!(
        "{program} could not compile {what} ({}):\n{}\nThe command was: {program} {}",
        output.status,
        said.trim(),
        arguments.join(" ")
    )))
}
