//! The machine that is built for, as Cargo describes it.

use std::env;
use std::process::Command;

/// Operating system and architecture by their Rust names.
pub(crate) struct Target {
    pub(crate) os: String,
    pub(crate) arch: String,
    /// `gnu`, `musl`, or empty.
    pub(crate) abi: String,
}

impl Target {
    pub(crate) fn from_env() -> Self {
        let [os, arch, abi] = ["OS", "ARCH", "ENV"]
            .map(|name| env::var(format!("CARGO_CFG_TARGET_{name}")).unwrap_or_default());
        Self { os, arch, abi }
    }

    pub(crate) fn is_macos(&self) -> bool {
        self.os == "macos"
    }

    /// The file name of the shared library `name`.
    pub(crate) fn shared_library(&self, name: &str) -> String {
        format!("lib{name}.{}", if self.is_macos() { "dylib" } else { "so" })
    }
}

/// The macOS release to build for: that of `MACOSX_DEPLOYMENT_TARGET`, else this system's; none on another
/// system.
pub(crate) fn macos_release() -> Option<u32> {
    let asked = env::var("MACOSX_DEPLOYMENT_TARGET").ok();
    let version = asked.or_else(|| {
        let output = Command::new("sw_vers").arg("-productVersion").output().ok()?;
        String::from_utf8(output.stdout).ok()
    })?;
    version.trim().split('.').next()?.parse().ok()
}
