//! `cargo xtask bundle`: a folder with the program and all it needs, for a machine without Rust.
//!
//! | in the folder | what it is |
//! |---|---|
//! | `mlx-lm` | starts the program with NVIDIA's libraries (a link to `bin/mlx-lm` where none are needed) |
//! | `bin/` | the programs; `bin/tests/` with `--tests` |
//! | `lib/` | the C API |
//! | `mlx/` | MLX and the headers it compiles kernels with, and beside it what its wheel brings |
//! | `nvidia/` | NVIDIA's libraries, with `--nvidia` |

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::{Result, root, tools::nvidia};

const LAUNCHER: &str = include_str!("bundle/launcher.sh");

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// MLX's build: cpu, cuda12, cuda13 or metal
    #[arg(long, default_value = "cuda13")]
    backend: String,
    /// The folder to make; it must not exist
    #[arg(long)]
    out: PathBuf,
    /// Put NVIDIA's libraries in, from PyPI (2 GB); else they are looked for where the program runs
    #[arg(long)]
    nvidia: bool,
    /// Put the tests of mlx and mlx-lm in too, and the benchmarks; tests look for their fixtures in this checkout's path
    #[arg(long)]
    tests: bool,
    /// Also pack the folder, as `<out>.tar.xz.00`, `.01`, …, each of at most so many MiB (cat them to unpack)
    #[arg(long, value_name = "MIB")]
    parts: Option<u32>,
}

pub(crate) fn run(arguments: &Arguments) -> Result {
    let out = &std::path::absolute(&arguments.out)?;
    if out.exists() {
        return Err(format!("{} exists already", out.display()).into());
    }
    let program = build(arguments, &["build", "--release", "-p", "mlx-lm", "--bin", "mlx-lm"])?;
    copy(&program.executable("mlx-lm")?, &out.join("bin/mlx-lm"))?;
    let library = library_name("mlx_capi");
    copy(&program.capi.join(&library), &out.join("lib").join(&library))?;
    copy_mlx(&program.mlx, out)?;
    if arguments.tests {
        let tests = build(arguments, &["test", "--release", "--no-run", "-p", "mlx", "-p", "mlx-lm"])?;
        let benches = build(arguments, &["bench", "--no-run", "-p", "benches"])?;
        let examples =
            build(arguments, &["build", "--release", "-p", "mlx-lm", "--example", "decode_logits"])?;
        for program in [&tests, &benches, &examples].into_iter().flat_map(|built| &built.executables) {
            copy(program, &out.join("bin/tests").join(test_name(program)))?;
        }
    }
    start_script(arguments, &program, out)?;
    println!("{}", out.display());
    arguments.parts.map_or(Ok(()), |mib| pack(out, mib))
}

/// What Cargo has built.
struct Built {
    executables: Vec<PathBuf>,
    /// The folder of the C API.
    capi: PathBuf,
    /// The folder of `libmlx`.
    mlx: PathBuf,
}

impl Built {
    fn executable(&self, name: &str) -> Result<PathBuf> {
        let found = self.executables.iter().find(|path| path.file_stem() == Some(OsStr::new(name)));
        Ok(found.ok_or_else(|| format!("cargo built no {name}"))?.clone())
    }
}

/// Runs Cargo for programs that find their libraries beside themselves.
fn build(arguments: &Arguments, command: &[&str]) -> Result<Built> {
    let here = if arguments.backend == "metal" { "@loader_path" } else { "$ORIGIN" };
    // Two run paths: of bin/, and of bin/tests/. Without a shell in between, $ORIGIN arrives as it is.
    let mut flags = ["lib", "../lib"].map(|up| format!("-Clink-arg=-Wl,-rpath,{here}/../{up}")).join("\x1f");
    if arguments.backend != "metal" {
        flags += "\x1f-Clink-arg=-Wl,--disable-new-dtags";
    }
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(command).arg("--message-format=json-render-diagnostics").current_dir(root());
    cargo.arg("--target-dir").arg(root().join("target/bundle"));
    cargo.env("MLX_BACKEND", &arguments.backend).env("MLX_RS_RELOCATABLE", "1");
    cargo.env_remove("RUSTFLAGS").env("CARGO_ENCODED_RUSTFLAGS", flags);
    let output = cargo.stderr(Stdio::inherit()).output()?;
    if !output.status.success() {
        return Err("the build failed".into());
    }
    let messages = output.stdout.split(|&byte| byte == b'\n').filter(|line| !line.is_empty());
    read(messages.map(serde_json::from_slice).collect::<std::result::Result<Vec<Value>, _>>()?)
}

/// Reads what Cargo says it has built.
fn read(messages: Vec<Value>) -> Result<Built> {
    let executables = messages.iter().filter_map(|message| message["executable"].as_str());
    let variable = |name: &str| {
        let variables = messages.iter().filter_map(|message| message["env"].as_array()).flatten();
        let found = variables.filter(|pair| pair[0] == name).find_map(|pair| pair[1].as_str());
        found.map(PathBuf::from).ok_or_else(|| format!("the build of mlx-sys told no {name}"))
    };
    Ok(Built {
        executables: executables.map(PathBuf::from).collect(),
        capi: variable("MLX_CAPI_DIR")?,
        mlx: variable("MLX_LIB_DIR")?,
    })
}

/// Cargo adds a hash to the names of tests, and the names of two packages' tests may be the same.
fn test_name(test: &Path) -> String {
    test.file_stem().map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
}

/// `libmlx` and all that its wheel has beside it, where its own run path looks.
fn copy_mlx(lib: &Path, out: &Path) -> Result {
    let prefix = lib.parent().ok_or("MLX has no folder")?;
    for folder in ["lib", "include"] {
        copy_folder(&prefix.join(folder), &out.join("mlx").join(folder))?;
    }
    let wheel = prefix.parent().ok_or("MLX has no folder")?;
    for entry in fs::read_dir(wheel)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().ends_with(".libs") {
            copy_folder(&entry.path(), &out.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// `mlx-lm`, and for CUDA what it needs of NVIDIA.
fn start_script(arguments: &Arguments, built: &Built, out: &Path) -> Result {
    let start = out.join("mlx-lm");
    if !arguments.backend.starts_with("cuda") {
        std::os::unix::fs::symlink("bin/mlx-lm", start)?;
        return Ok(());
    }
    write_program(&start, LAUNCHER)?;
    let wheel = built.mlx.parent().and_then(Path::parent).ok_or("MLX has no folder")?;
    let Some(requirements) = nvidia::requirements(wheel) else {
        let text = format!("{} has no metadata; unset MLX_DIR to use the pinned wheel", wheel.display());
        return Err(text.into());
    };
    let file = out.join("nvidia-requirements.txt");
    fs::write(&file, requirements.join("\n") + "\n")?;
    if arguments.nvidia {
        let mut pip = Command::new("python3");
        pip.args(["-m", "pip", "install", "--target"]).arg(out).arg("-r").arg(&file);
        if !pip.status()?.success() {
            return Err("pip could not fetch NVIDIA's libraries".into());
        }
    }
    Ok(())
}

/// Packs `out` into `<out>.tar.xz.00`, `.01`, … of at most `mib` MiB each.
fn pack(out: &Path, mib: u32) -> Result {
    let (Some(folder), Some(name)) = (out.parent(), out.file_name().and_then(OsStr::to_str)) else {
        return Err("the folder needs a name".into());
    };
    // The shell's pipe; the name comes as an argument, so that no character in it means anything.
    let script = format!(
        "set -e; tar --create \"$1\" | xz --threads=0 -9 | split --bytes={mib}M --numeric-suffixes - \"$1.tar.xz.\""
    );
    let status = Command::new("sh").args(["-c", &script, "sh", name]).current_dir(folder).status()?;
    status.success().then_some(()).ok_or_else(|| "packing failed".into())
}

fn library_name(name: &str) -> String {
    format!("lib{name}.{}", if cfg!(target_os = "macos") { "dylib" } else { "so" })
}

fn copy_folder(from: &Path, to: &Path) -> Result {
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_folder(&entry.path(), &target)?,
            false => copy(&entry.path(), &target)?,
        }
    }
    Ok(())
}

fn copy(from: &Path, to: &Path) -> Result {
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::copy(from, to).map_err(|error| format!("cannot copy {}: {error}", from.display()))?;
    Ok(())
}

fn write_program(path: &Path, text: &str) -> Result {
    use std::os::unix::fs::PermissionsExt;
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}
