//! Pinned wheels in the cache: fetched when absent, believed only if their sha256 is right, unpacked whole.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use hmac_sha256::Hash;

use super::cache::Cache;
use super::failure::{Failure, Result, cannot};
use super::pins::Wheel;
use super::unzip::unzip;

/// Downloads a wheel into a folder; the flag asks to go past any cache on the way.
pub(crate) type Download<'a> = &'a dyn Fn(&Wheel, &Path, bool) -> Result<()>;

/// The folder that `wheel` is unpacked in. Everything of the wheel is there, since its libraries find each
/// other by relative paths.
pub(crate) fn unpacked(wheel: &Wheel, cache: &Cache, download: Download<'_>) -> Result<PathBuf> {
    let digest = wheel.sha256.get(..12).unwrap_or(&wheel.sha256);
    let name = format!("{}-{digest}", wheel.stem());
    cache.entry("unpacked", &name, |folder| unzip(&verified(wheel, cache, download)?, folder))
}

/// The file of `wheel` in the cache, fetched unless it is there and good.
fn verified(wheel: &Wheel, cache: &Cache, download: Download<'_>) -> Result<PathBuf> {
    let kept = cache.path("wheels", &wheel.file);
    if kept.exists() {
        match check(wheel, &kept)? {
            Ok(()) => return Ok(kept),
            Err(reason) => {
                println!("cargo::warning=mlx-sys: {}: {reason}; fetching it again", kept.display());
                fs::remove_file(&kept).map_err(cannot("remove", &kept))?;
            }
        }
    }
    // Something between here and PyPI may keep a broken copy, so the second attempt asks for a fresh one.
    let mut refused = String::new();
    for fresh in [false, true] {
        match fetch(wheel, &kept, download, fresh)? {
            Ok(()) => return Ok(kept),
            Err(reason) => refused = reason,
        }
    }
    Err(Failure::Missing(format!(
        "the fetched {} {refused}, twice.\n\
         It is not the pinned release: check which package index pip uses (`python3 -m pip config list`).",
        wheel.file
    )))
}

/// Downloads `wheel` and, if it is good, keeps it at `kept`; the inner error says what is wrong with it.
fn fetch(
    wheel: &Wheel,
    kept: &Path,
    download: Download<'_>,
    fresh: bool,
) -> Result<std::result::Result<(), String>> {
    let folder = kept.with_extension("download");
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(cannot("remove", &folder))?;
    }
    fs::create_dir_all(&folder).map_err(cannot("create", &folder))?;
    let fetched = folder.join(&wheel.file);
    let checked = download(wheel, &folder, fresh).and_then(|()| check(wheel, &fetched));
    if let Ok(Ok(())) = checked {
        fs::rename(&fetched, kept).map_err(cannot("create", kept))?;
    }
    fs::remove_dir_all(&folder).map_err(cannot("remove", &folder))?;
    checked
}

/// Compares a file with the pin; the inner error says how it differs.
fn check(wheel: &Wheel, path: &Path) -> Result<std::result::Result<(), String>> {
    let bytes = fs::read(path).map_err(cannot("read", path))?;
    let sha256 = sha256(&bytes);
    Ok(if sha256 == wheel.sha256 {
        Ok(())
    } else if bytes.len() as u64 != wheel.size {
        Err(format!("has {} bytes instead of {}", bytes.len(), wheel.size))
    } else {
        Err(format!("has the sha256 {sha256} instead of {}", wheel.sha256))
    })
}

/// The sha256 of `bytes` in hexadecimal.
pub(crate) fn sha256(bytes: &[u8]) -> String {
    Hash::hash(bytes).iter().fold(String::new(), |mut text, byte| {
        // Writing to a String does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
