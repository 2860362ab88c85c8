//! The C++ compiler: the one the `cc` crate picks (`CXX` and friends are honoured), if it knows C++20.

use std::process::Command;

use super::failure::{Failure, Result};
use super::fingerprint::Fingerprint;
use super::target::{Target, macos_release};

/// The oldest compilers whose C++20 is enough for MLX's headers.
const OLDEST_GCC: u32 = 11;
const OLDEST_CLANG: u32 = 14;

/// A C++20 compiler with its flags.
pub(crate) struct Compiler {
    tool: cc::Tool,
    /// What the compiler says about itself.
    macros: Vec<u8>,
}

impl Compiler {
    /// The compiler of this build. The flags do not depend on Cargo's profile, so that all profiles share one
    /// library.
    pub(crate) fn find(target: &Target) -> Result<Self> {
        let mut build = cc::Build::new();
        if let Some(release) = macos_release().filter(|_| target.is_macos()) {
            // Else it would be the release of the SDK, which may be newer than the system.
            build.env("MACOSX_DEPLOYMENT_TARGET", format!("{release}.0"));
        }
        build.cpp(true).std("c++20").opt_level(2).debug(false).pic(true).warnings(false);
        // The C API looks at one object as an MLX array and as a C struct of two pointers.
        build.flag("-fno-strict-aliasing");
        build.flag("-fvisibility=hidden").cargo_metadata(false).cargo_warnings(false);
        let advice = "Install g++ 11 or newer or clang++ 14 or newer (Debian and Ubuntu: apt install g++; \
                      macOS: xcode-select --install), or set CXX to one.";
        let tool = build.try_get_compiler().map_err(|error| {
            Failure::Missing(format!("building MLX's C API needs a C++20 compiler: {error}\n{advice}"))
        })?;
        let path = tool.path().display().to_string();
        let missing = |reason: String| {
            Failure::Missing(format!(
                "building MLX's C API needs a C++20 compiler, and `{path}` {reason}\n{advice}"
            ))
        };
        let output = tool
            .to_command()
            .args(["-dM", "-E", "-x", "c++", "/dev/null"])
            .output()
            .map_err(|error| missing(format!("does not run: {error}.")))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            return Err(missing(format!("does not accept its flags: {}", said.trim())));
        }
        match too_old(&String::from_utf8_lossy(&output.stdout)) {
            Some(reason) => Err(missing(format!("is {reason}, which is too old."))),
            None => Ok(Self { tool, macros: output.stdout }),
        }
    }

    /// The compiler with its flags, to which arguments can be added.
    pub(crate) fn command(&self) -> Command {
        self.tool.to_command()
    }

    /// Adds all that a compiled file depends on, except its source.
    pub(crate) fn add_to(&self, fingerprint: &mut Fingerprint) {
        fingerprint.add(self.tool.path().as_os_str().as_encoded_bytes());
        for argument in self.tool.args() {
            fingerprint.add(argument.as_encoded_bytes());
        }
        fingerprint.add(&self.macros);
    }
}

/// Reads a compiler's predefined macros and names the compiler if it is too old.
fn too_old(macros: &str) -> Option<String> {
    let number = |name: &str| -> Option<u32> {
        let definition = macros.lines().find_map(|line| line.strip_prefix("#define ")?.strip_prefix(name));
        definition?.trim().parse().ok()
    };
    // Clang defines __GNUC__ too.
    let (name, version, oldest) = match number("__clang_major__ ") {
        Some(version) => ("clang", version, OLDEST_CLANG),
        None => ("GCC", number("__GNUC__ ")?, OLDEST_GCC),
    };
    (version < oldest).then(|| format!("{name} {version}"))
}

#[cfg(test)]
mod tests {
    use super::too_old;

    #[test]
    fn old_compilers_are_named() {
        let gcc = |version| format!("#define __GNUC_MINOR__ 2\n#define __GNUC__ {version}\n");
        let clang = |version| format!("#define __GNUC__ 4\n#define __clang_major__ {version}\n");
        assert_eq!(too_old(&gcc(10)).as_deref(), Some("GCC 10"));
        assert_eq!(too_old(&gcc(11)), None);
        assert_eq!(too_old(&clang(13)).as_deref(), Some("clang 13"));
        assert_eq!(too_old(&clang(14)), None);
    }
}
