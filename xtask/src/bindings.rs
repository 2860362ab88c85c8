//! `cargo xtask bindings`: mlx-sys/src/bindings.rs from the header of the C API.
//!
//! The output does not depend on the machine: libclang is pinned, and the three standard headers that the C
//! API includes are given here instead of taken from a C library.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::tools;
use crate::{Result, root};

#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only compare with the file in the repository, and fail if it differs.
    #[arg(long)]
    check: bool,
}

const STANDARD_HEADERS: [(&str, &str); 3] = [
    ("stdbool.h", "#define bool _Bool\n#define true 1\n#define false 0\n"),
    ("stddef.h", "typedef __SIZE_TYPE__ size_t;\n#define NULL ((void*)0)\n"),
    (
        "stdint.h",
        "typedef __INT8_TYPE__ int8_t;\ntypedef __UINT8_TYPE__ uint8_t;\n\
         typedef __INT16_TYPE__ int16_t;\ntypedef __UINT16_TYPE__ uint16_t;\n\
         typedef __INT32_TYPE__ int32_t;\ntypedef __UINT32_TYPE__ uint32_t;\n\
         typedef __INT64_TYPE__ int64_t;\ntypedef __UINT64_TYPE__ uint64_t;\n\
         typedef __INTPTR_TYPE__ intptr_t;\ntypedef __UINTPTR_TYPE__ uintptr_t;\n",
    ),
];

pub(crate) fn run(arguments: &Arguments) -> Result {
    let cache = tools::user_cache();
    if env::var_os("LIBCLANG_PATH").is_none() {
        // bindgen looks for libclang where the environment says, so this program runs again in another one.
        let libclang = tools::tool("libclang", &cache)?.join("clang/native");
        let mut again = Command::new(env::current_exe()?);
        let status = again.args(env::args_os().skip(1)).env("LIBCLANG_PATH", libclang).status()?;
        return if status.success() {
            Ok(())
        } else {
            Err("the bindings could not be made or differ".into())
        };
    }
    let headers = standard_headers(&cache)?;
    let made = generate(&root().join("mlx-sys/capi/include"), &headers)?;
    let path = root().join("mlx-sys/src/bindings.rs");
    if !arguments.check {
        return Ok(fs::write(&path, made)?);
    }
    if fs::read_to_string(&path)? == made {
        return Ok(());
    }
    Err("mlx-sys/src/bindings.rs does not match the header of the C API: run `cargo xtask bindings`".into())
}

/// The bindings of the C API in the folder `include`.
fn generate(include: &Path, standard_headers: &Path) -> Result<String> {
    let bindings = bindgen::Builder::default()
        .header(include.join("mlx_capi.h").display().to_string())
        .clang_args(["-std=c11", "-nostdinc", "-fparse-all-comments", "-target", "x86_64-unknown-linux-gnu"])
        .clang_args([format!("-I{}", include.display()), format!("-I{}", standard_headers.display())])
        .allowlist_item("(mlx|MLX)_.*")
        .rust_target(bindgen::RustTarget::stable(89, 0).map_err(|error| error.to_string())?)
        .rust_edition(bindgen::RustEdition::Edition2024)
        .use_core()
        .formatter(bindgen::Formatter::Rustfmt)
        .rustfmt_configuration_file(Some(root().join("rustfmt.toml")))
        .disable_header_comment()
        .raw_line("// Made by `cargo xtask bindings` from capi/include/mlx_capi.h.")
        .generate()?;
    Ok(bindings.to_string())
}

/// The folder of the standard headers.
fn standard_headers(cache: &tools::cache::Cache) -> Result<PathBuf> {
    let mut name = tools::fingerprint::Fingerprint::default();
    STANDARD_HEADERS.iter().for_each(|(_, text)| name.add(text));
    let folder = cache.entry("headers", &name.name(), |folder| {
        STANDARD_HEADERS.iter().try_for_each(|(file, text)| {
            let path = folder.join(file);
            fs::write(&path, text).map_err(tools::failure::cannot("write", &path))
        })
    })?;
    Ok(folder)
}
