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
                "MLX has no `{name}` build for {arch} {os} {abi}: there is `metal` for Apple silicon, and \
                 `cpu`, `cuda12` and `cuda13` for x86-64 and arm64 Linux with glibc.\n\
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

#[cfg(test)]
mod tests {
    use super::*;

    fn pins() -> Pins {
        Pins::parse(include_str!("mlx.toml")).unwrap()
    }

    fn target(os: &str, arch: &str, abi: &str) -> Target {
        Target { os: os.to_owned(), arch: arch.to_owned(), abi: abi.to_owned() }
    }

    #[test]
    fn a_wrong_backend_is_refused_with_the_choices() {
        for backend in Backend::ALL {
            assert_eq!(Backend::parse(backend.name().into()).unwrap(), backend);
        }
        for wrong in ["gpu", "CPU", "cuda"] {
            let Err(Failure::Refused(message)) = Backend::parse(wrong.into()) else {
                panic!("{wrong} is accepted")
            };
            assert!(message.contains(wrong) && message.contains("metal, cpu, cuda12, cuda13"), "{message}");
        }
    }

    #[test]
    fn each_linux_has_its_wheel() {
        for backend in [Backend::Cpu, Backend::Cuda12, Backend::Cuda13] {
            for arch in ["x86_64", "aarch64"] {
                let wheel = backend.wheel(&pins(), &target("linux", arch, "gnu")).unwrap();
                assert!(wheel.file.ends_with(&format!("{arch}.whl")));
            }
        }
        for (os, arch, abi) in
            [("linux", "x86_64", "musl"), ("linux", "riscv64", "gnu"), ("macos", "x86_64", "")]
        {
            let target = target(os, arch, abi);
            assert!(Backend::default_for(&target).wheel(&pins(), &target).is_err(), "{os} {arch} {abi}");
        }
    }

    #[test]
    fn macos_gets_the_newest_wheel_that_runs() {
        let wheels = pins().wheels("metal").unwrap();
        for (release, expected) in
            [(None, 14), (Some(14), 14), (Some(16), 15), (Some(26), 26), (Some(27), 26)]
        {
            assert_eq!(newest(wheels.clone(), release).unwrap().macos(), Some(expected));
        }
        let message = newest(wheels, Some(13)).unwrap_err().to_string();
        assert!(message.contains("macOS 14") && message.contains("macOS 13"), "{message}");
    }
}
