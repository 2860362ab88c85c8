//! Finds MLX, compiles the C API over it, and tells Cargo how to link it.
//!
//! | variable | meaning |
//! |---|---|
//! | `MLX_DIR` | a prefix with `include/mlx` and `lib/libmlx` to use instead of the pinned wheel |
//! | `MLX_BACKEND` | `metal`, `cpu`, `cuda12` or `cuda13`: the wheel (default: `metal` on macOS, else `cpu`) |
//! | `MLX_RS_CACHE_DIR` | where wheels and the compiled C API are kept, for all workspaces of a user |
//! | `MLX_RS_RELOCATABLE` | if set, makes a C API that finds MLX in `../mlx/lib`, for `cargo xtask bundle` |
//! | `CXX`, `CXXFLAGS` | the C++20 compiler and its flags |
//! | `MACOSX_DEPLOYMENT_TARGET` | the macOS release to build for (default: the one that runs) |

mod backend;
mod cache;
mod capi;
mod compiler;
mod failure;
mod fingerprint;
mod import_library;
mod locate;
mod nvidia;
mod pins;
mod pip;
mod target;
mod unzip;
mod wheel;

use std::env;
use std::path::{Path, PathBuf};

use cache::Cache;
use capi::Capi;
use failure::{Failure, Result};
use locate::Mlx;
use pins::Pins;
use target::Target;

/// A library name that makes the linker say what is wrong.
const NOT_FOUND: &str = "MLX-not-found--see-the-mlx-sys-warning-above--or-run-cargo-build-vv";

fn main() {
    let package = folder("CARGO_MANIFEST_DIR");
    for path in ["build", "capi", "src/bindings.rs"] {
        println!("cargo::rerun-if-changed={}", package.join(path).display());
    }
    let variables = ["MLX_DIR", "MLX_BACKEND", "MACOSX_DEPLOYMENT_TARGET", "DOCS_RS", capi::RELOCATABLE];
    for variable in variables.into_iter().chain(cache::VARIABLES) {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    if env::var_os("DOCS_RS").is_some() {
        return for_tests(None);
    }
    match build(&package) {
        Ok((mlx, capi)) => {
            println!("cargo::rustc-link-search=native={}", capi.link.display());
            println!("cargo::rustc-link-lib=dylib=mlx_capi");
            for_dependents(&package, &mlx, &capi);
            for_tests(Some((&mlx, &capi)));
        }
        Err(Failure::Refused(message)) => report("error", &message),
        Err(Failure::Missing(message)) => {
            report("warning", &message);
            println!("cargo::rustc-link-lib=dylib={NOT_FOUND}");
            // Cargo looks again next time, as there is no such file.
            println!("cargo::rerun-if-changed={}", folder("OUT_DIR").join("mlx-not-found").display());
            for_tests(None);
        }
    }
}

fn build(package: &Path) -> Result<(Mlx, Capi)> {
    let pins = Pins::parse(include_str!("mlx.toml"))?;
    let target = Target::from_env();
    let cache = Cache::of_user(&folder("OUT_DIR"));
    let mlx = locate::locate(&pins, &target, &cache)?;
    let bindings = package.join("src/bindings.rs");
    let capi = capi::library(&package.join("capi"), &bindings, &mlx, &target, &cache)?;
    if let Some(wheel) = mlx.wheel.as_deref().filter(|_| mlx.backend.is_cuda()) {
        nvidia::advice(wheel).iter().for_each(|advice| report("warning", advice));
    }
    Ok((mlx, capi))
}

/// What build scripts of dependent packages see as `DEP_MLX_CAPI_*`.
fn for_dependents(package: &Path, mlx: &Mlx, capi: &Capi) {
    println!("cargo::metadata=root={}", capi.folder.display());
    println!("cargo::metadata=include={}", package.join("capi/include").display());
    println!("cargo::metadata=mlx_include={}", mlx.include.display());
    println!("cargo::metadata=mlx_lib={}", mlx.lib.display());
    println!("cargo::metadata=backend={}", mlx.backend.name());
}

/// What this package's own tests are told; empty where there is no MLX, so that they still type-check.
fn for_tests(built: Option<(&Mlx, &Capi)>) {
    let variable = |name: &str, path: Option<&Path>| {
        println!("cargo::rustc-env={name}={}", path.unwrap_or(Path::new("")).display());
    };
    variable("MLX_INCLUDE_DIR", built.map(|(mlx, _)| &*mlx.include));
    variable("MLX_LIB_DIR", built.map(|(mlx, _)| &*mlx.lib));
    variable("MLX_CAPI_DIR", built.map(|(_, capi)| &*capi.folder));
    println!("cargo::rustc-env=MLX_BACKEND={}", built.map_or("", |(mlx, _)| mlx.backend.name()));
}

/// Shows a message through Cargo, which takes one line at a time.
fn report(level: &str, message: &str) {
    for line in message.lines() {
        println!("cargo::{level}={line}");
    }
}

/// A folder that Cargo names in the environment.
fn folder(variable: &str) -> PathBuf {
    env::var_os(variable).map_or_else(|| PathBuf::from("."), PathBuf::from)
}
