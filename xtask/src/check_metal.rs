//! `cargo xtask check-metal`: the C API, compiled for Apple silicon and linked with Apple's `libmlx.dylib`,
//! from any machine. It proves that all the C++ compiles with clang and libc++ and that `libmlx.dylib` has
//! every symbol it uses.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;

use crate::tools;
use crate::tools::failure::Failure;
use crate::tools::fingerprint::Fingerprint;
use crate::{Result, root};

const FLAGS: [&str; 6] = ["-std=c++20", "-O1", "-fPIC", "-fvisibility=hidden", "-dynamiclib", "-Werror"];

pub(crate) fn run() -> Result {
    let cache = tools::user_cache();
    let zig = tools::tool("ziglang", &cache)?;
    make_executable(&zig.join("ziglang/zig"))?;
    let mut wheels = tools::pins("mlx.toml")?.wheels("metal")?;
    wheels.sort_by_key(|wheel| wheel.macos());
    let wheel = wheels.first().ok_or("vendor/mlx.toml has no wheel for metal")?;
    let mlx = tools::unpacked(wheel, &cache)?.join("mlx");
    let capi = root().join("mlx-sys/capi");
    let target = format!("aarch64-macos.{}.0", wheel.macos().unwrap_or_default());

    let mut name = Fingerprint::default();
    name.add_folder(&capi)?;
    for folder in [&zig, &mlx] {
        name.add(folder.as_os_str().as_encoded_bytes());
    }
    name.add(FLAGS.join(" "));
    let made = cache.entry("check-metal", &name.name(), |folder| {
        println!("compiling the C API for {target}, which takes minutes");
        let mut command = Command::new(zig.join("ziglang/zig"));
        command.env("ZIG_GLOBAL_CACHE_DIR", cache.path("zig", "global"));
        command.env("ZIG_LOCAL_CACHE_DIR", cache.path("zig", "local"));
        command.args(["c++", "-target", &target]).args(FLAGS).arg("-I").arg(capi.join("include"));
        command.arg("-I").arg(capi.join("src")).arg("-isystem").arg(mlx.join("include"));
        command.arg(capi.join("mlx_capi.cpp")).arg("-L").arg(mlx.join("lib")).arg("-lmlx");
        command.arg("-o").arg(folder.join("libmlx_capi.dylib"));
        let status =
            command.status().map_err(|error| Failure::Missing(format!("cannot run zig: {error}")))?;
        let shown = || command.get_args().collect::<Vec<_>>().join(OsStr::new(" "));
        let failed = || Failure::Refused(format!("zig {} failed", shown().display()));
        status.success().then_some(()).ok_or_else(failed)
    })?;
    println!("the C API links with {}: {}", wheel.file, made.join("libmlx_capi.dylib").display());
    Ok(())
}

/// What unpacks wheels knows files, not programs.
fn make_executable(program: &Path) -> Result {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mut permissions = std::fs::metadata(program)?.permissions();
        permissions.set_mode(permissions.mode() | 0o111);
        std::fs::set_permissions(program, permissions)?;
    }
    Ok(())
}
