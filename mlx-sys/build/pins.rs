//! The pins of `vendor/`: which wheels, by file name, size and sha256.

use std::collections::BTreeMap;
use std::fmt::Display;

use toml::de::{DeTable, DeValue};

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
pub(crate) struct Pins {
    version: Option<String>,
    wheels: BTreeMap<String, Vec<Wheel>>,
}

impl Pins {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let refused = |why: &dyn Display| Failure::Refused(format!("vendor: {why}"));
        let table = DeTable::parse(text).map_err(|error| refused(&error))?;
        let mut pins = Self { version: None, wheels: BTreeMap::new() };
        for (name, value) in table.get_ref() {
            let name = name.get_ref().to_string();
            match value.get_ref() {
                DeValue::String(text) if name == "version" => pins.version = Some(text.to_string()),
                DeValue::Array(entries) => {
                    let wheels = entries.iter().map(|entry| wheel(entry.get_ref())).collect::<Option<_>>();
                    let rule = format!("each `{name}` must have `file`, `size` and `sha256`");
                    pins.wheels.insert(name, wheels.ok_or_else(|| refused(&rule))?);
                }
                _ => return Err(refused(&format_args!("what is `{name}`?"))),
            }
        }
        Ok(pins)
    }

    /// The release that a file of pins is about.
    pub(crate) fn version(&self) -> Result<&str> {
        self.version.as_deref().ok_or_else(|| Failure::Refused("vendor: no `version`".to_owned()))
    }

    /// The wheels listed under `name`.
    pub(crate) fn wheels(&self, name: &str) -> Result<Vec<Wheel>> {
        let wheels = self.wheels.get(name).cloned();
        wheels.ok_or_else(|| Failure::Refused(format!("vendor: no `{name}`")))
    }
}

fn wheel(entry: &DeValue<'_>) -> Option<Wheel> {
    let text = |name: &str| Some(entry.get(name)?.get_ref().as_str()?.to_owned());
    let size = entry.get("size")?.get_ref().as_integer()?;
    Some(Wheel { file: text("file")?, size: size.as_str().parse().ok()?, sha256: text("sha256")? })
}
