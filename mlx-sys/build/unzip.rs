//! Unpacks wheels, which are zip files, with Python's own reader. A build script is compiled without
//! optimization, where a reader in Rust would take a minute for what Python does in one second.

use std::path::Path;
use std::process::Command;

use super::failure::{Failure, Result};
use super::pip::INTERPRETERS;

/// Unpacks the zip file `archive` into `folder`.
pub(crate) fn unzip(archive: &Path, folder: &Path) -> Result<()> {
    let cannot = |why: &str| Failure::Missing(format!("cannot unpack {}: {why}", archive.display()));
    let run = |python: &&str| {
        Command::new(python).args(["-m", "zipfile", "-e"]).arg(archive).arg(folder).output().ok()
    };
    match INTERPRETERS.iter().find_map(run) {
        Some(output) if output.status.success() => Ok(()),
        Some(output) => Err(cannot(String::from_utf8_lossy(&output.stderr).trim())),
        None => Err(cannot(&format!("PATH has none of: {}. Install Python 3.", INTERPRETERS.join(", ")))),
    }
}
