//! The pins of `vendor/`: which wheels, by file name, size and sha256.

use super::failure::{Failure, Result};

/// One wheel. What it is and where it runs stand in its file name:
/// `project-version[-build]-python-abi-platform.whl`.
#[derive(Clone, Debug)]
pub(crate) struct Wheel {
    pub(crate) file: String,
    pub(crate) size: u64,
    pub(crate) sha256: String,
}

impl Wheel {
    /// The file name without `.whl`.
    pub(crate) fn stem(&self) -> &str {
        self.file.trim_end_matches(".whl")
    }

    /// What pip calls this release: `mlx-cpu==0.32.4`.
    pub(crate) fn requirement(&self) -> String {
        let mut parts = self.stem().split('-');
        let (project, version) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
        format!("{}=={version}", project.replace('_', "-"))
    }

    /// The first platform tag: `macosx_14_0_arm64`, `manylinux_2_35_x86_64`.
    pub(crate) fn platform(&self) -> &str {
        let tags = self.stem().rsplit('-').next().unwrap_or_default();
        tags.split('.').next().unwrap_or_default()
    }

    /// Whether the wheel is for this operating system and architecture, by their Rust names.
    pub(crate) fn is_for(&self, os: &str, arch: &str) -> bool {
        let (system, arch) = match (os, arch) {
            ("macos", "aarch64") => ("macosx_", "_arm64"),
            ("linux", "aarch64") => ("manylinux", "_aarch64"),
            ("linux", "x86_64") => ("manylinux", "_x86_64"),
            _ => return false,
        };
        self.platform().starts_with(system) && self.platform().ends_with(arch)
    }

    /// The oldest macOS the wheel runs on: 14 for `macosx_14_0_arm64`.
    pub(crate) fn macos(&self) -> Option<u32> {
        self.platform().strip_prefix("macosx_")?.split('_').next()?.parse().ok()
    }
}

/// A file of pins.
pub(crate) struct Pins(toml::Table);

impl Pins {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        text.parse().map(Self).map_err(|error| Failure::Refused(format!("vendor: {error}")))
    }

    /// The release that a file of pins is about.
    pub(crate) fn version(&self) -> Result<&str> {
        let version = self.0.get("version").and_then(|version| version.as_str());
        version.ok_or_else(|| Failure::Refused("vendor: no `version`".to_owned()))
    }

    /// The wheels listed under `name`.
    pub(crate) fn wheels(&self, name: &str) -> Result<Vec<Wheel>> {
        let entries = self.0.get(name).and_then(|entries| entries.as_array());
        let wheels = entries.and_then(|entries| entries.iter().map(wheel).collect());
        let rule = "must be a list of tables with `file`, `size` and `sha256`";
        wheels.ok_or_else(|| Failure::Refused(format!("vendor: `{name}` {rule}")))
    }
}

fn wheel(entry: &toml::Value) -> Option<Wheel> {
    Some(Wheel {
        file: entry.get("file")?.as_str()?.to_owned(),
        size: entry.get("size")?.as_integer()?.try_into().ok()?,
        sha256: entry.get("sha256")?.as_str()?.to_owned(),
    })
}
