//! `MLX_BACKEND`: which of MLX's builds to use.

use std::env;
use std::ffi::OsString;

use super::failure::{Failure, Result};
use super::pins::{Pins, Wheel};
use super::target::{Target, macos_release};

/// A build of MLX. Each has the CPU; the name says what else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Backend {
    Metal,
    Cpu,
    Cuda12,
    Cuda13,
}

impl Backend {
    pub(crate) const ALL: [Self; 4] = [Self::Metal, Self::Cpu, Self::Cuda12, Self::Cuda13];

    /// The value of `MLX_BACKEND`, and the name of the pins in `vendor/mlx.toml`.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Metal => "metal",
            Self::Cpu => "cpu",
            Self::Cuda12 => "cuda12",
            Self::Cuda13 => "cuda13",
        }
    }

    pub(crate) fn is_cuda(self) -> bool {
        matches!(self, Self::Cuda12 | Self::Cuda13)
    }

    /// What `MLX_BACKEND` asks for, if it is set.
    pub(crate) fn from_env() -> Result<Option<Self>> {
        env::var_os("MLX_BACKEND").filter(|value| !value.is_empty()).map(Self::parse).transpose()
    }

    fn parse(value: OsString) -> Result<Self> {
        Self::ALL.into_iter().find(|backend| value == backend.name()).ok_or_else(|| {
            let choices = Self::ALL.map(Self::name).join(", ");
            let value = value.display();
            Failure::Refused(format!("MLX_BACKEND is `{value}`, which is none of: {choices}."))
        })
    }

    /// What a machine gets unless asked otherwise.
    pub(crate) fn default_for(target: &Target) -> Self {
        if target.is_macos() { Self::Metal } else { Self::Cpu }
    }

    /// The wheel of this backend for `target`.
    pub(crate) fn wheel(self, pins: &Pins, target: &Target) -> Result<Wheel> {
        let name = self.name();
        let (os, arch, abi) = (&target.os, &target.arch, &target.abi);
        let mut wheels = pins.wheels(name)?;
        wheels.retain(|wheel| wheel.is_for(os, arch) && abi != "musl");
        wheels.sort_by_key(Wheel::macos);
        if wheels.is_empty() {
            return Err(Failure::Missing(format!(
                "MLX has no `{name}` build for {arch} {os} {abi}: there is `metal` for Apple silicon, and `cpu`, \
                 `cuda12` and `cuda13` for x86-64 and arm64 Linux with glibc.\n\
                 Set MLX_BACKEND to one that fits."
            )));
        }
        newest(wheels, if target.is_macos() { macos_release() } else { None })
    }
}

/// The newest of `wheels`, which are in order of macOS releases, that runs on `release`.
fn newest(wheels: Vec<Wheel>, release: Option<u32>) -> Result<Wheel> {
    let oldest = wheels.first().and_then(Wheel::macos);
    // Without a release to go by, what runs on the oldest system runs on all.
    let release = release.or(oldest);
    wheels.into_iter().rfind(|wheel| wheel.macos() <= release).ok_or_else(|| {
        let [oldest, release] = [oldest, release].map(Option::unwrap_or_default);
        Failure::Missing(format!(
            "MLX needs macOS {oldest} or newer, and this build is for macOS {release}.\n\
             Set MACOSX_DEPLOYMENT_TARGET to {oldest}.0 or newer, or update the system."
        ))
    })
}
