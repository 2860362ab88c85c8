//! Wheels from PyPI, kept in the cache that the build of mlx-sys uses, by the same code.

#[allow(dead_code, reason = "the build of mlx-sys uses all of it")]
#[path = "../../mlx-sys/build/cache.rs"]
pub(crate) mod cache;
#[allow(dead_code, reason = "the build of mlx-sys uses all of it")]
#[path = "../../mlx-sys/build/failure.rs"]
pub(crate) mod failure;
#[path = "../../mlx-sys/build/fingerprint.rs"]
pub(crate) mod fingerprint;
#[allow(dead_code, reason = "the build of mlx-sys uses all of it")]
#[path = "../../mlx-sys/build/nvidia.rs"]
pub(crate) mod nvidia;
#[allow(dead_code, reason = "the build of mlx-sys uses all of it")]
#[path = "../../mlx-sys/build/pins.rs"]
pub(crate) mod pins;
#[path = "../../mlx-sys/build/pip.rs"]
mod pip;
#[path = "../../mlx-sys/build/unzip.rs"]
mod unzip;
#[path = "../../mlx-sys/build/wheel.rs"]
mod wheel;

use std::env::consts::{ARCH, OS};
use std::fs;
use std::path::{Path, PathBuf};

use cache::Cache;
use pins::{Pins, Wheel};

use crate::{Result, root};

impl std::error::Error for failure::Failure {}

/// The user's cache.
pub(crate) fn user_cache() -> Cache {
    Cache::of_user(&root().join("target"))
}

/// A file of `vendor/`.
pub(crate) fn pins(file: &str) -> Result<Pins> {
    let path = root().join("vendor").join(file);
    let text =
        fs::read_to_string(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    Ok(Pins::parse(&text)?)
}

/// The folder of a wheel that is fetched unless it is in the cache.
pub(crate) fn unpacked(wheel: &Wheel, cache: &Cache) -> Result<PathBuf> {
    let download =
        |wheel: &Wheel, into: &Path, fresh| pip::Pip::find(&pip::INTERPRETERS)?.download(wheel, into, fresh);
    let folder = wheel::unpacked(wheel, cache, &download)?;
    // A wheel may keep what belongs to the top of site-packages in `<project>-<version>.data/platlib`.
    let release: Vec<_> = wheel.stem().split('-').take(2).collect();
    let platlib = folder.join(format!("{}.data/platlib", release.join("-")));
    Ok(if platlib.is_dir() { platlib } else { folder })
}

/// The folder of the program `name` of `vendor/tools.toml`, for this machine.
pub(crate) fn tool(name: &str, cache: &Cache) -> Result<PathBuf> {
    let wheels = pins("tools.toml")?.wheels(name)?;
    let wheel = wheels.iter().find(|wheel| wheel.is_for(OS, ARCH));
    unpacked(wheel.ok_or_else(|| format!("vendor/tools.toml has no {name} for {ARCH} {OS}"))?, cache)
}
