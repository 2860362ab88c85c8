//! The per-user cache. Its entries are folders that appear whole or not at all, however many builds run at
//! once.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::failure::{Result, cannot};

/// The environment variables that decide where the cache is.
pub(crate) const VARIABLES: [&str; 3] = ["MLX_RS_CACHE_DIR", "XDG_CACHE_HOME", "HOME"];

/// A folder of `<area>/<name>` entries.
pub(crate) struct Cache {
    root: PathBuf,
}

impl Cache {
    /// The cache of this user, or one in `fallback` for a user without a home.
    pub(crate) fn of_user(fallback: &Path) -> Self {
        let [own, xdg, home] = VARIABLES.map(|name| env::var_os(name).filter(|value| !value.is_empty()));
        let caches = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        let root = own
            .map(PathBuf::from)
            .or_else(|| xdg.map(|xdg| Path::new(&xdg).join("mlx-rs")))
            .or_else(|| home.map(|home| Path::new(&home).join(caches).join("mlx-rs")))
            .unwrap_or_else(|| fallback.join("mlx-rs"));
        Self::at(&root)
    }

    /// The cache in the folder `root`, which need not exist.
    pub(crate) fn at(root: &Path) -> Self {
        // Library names and run paths made from the root have to hold from any working directory.
        Self { root: std::path::absolute(root).unwrap_or_else(|_| root.to_owned()) }
    }

    /// Where the entry `name` of `area` is, or would be.
    pub(crate) fn path(&self, area: &str, name: &str) -> PathBuf {
        self.root.join(area).join(name)
    }

    /// The folder of the entry `name` of `area`. If there is none, `make` fills an empty folder that then
    /// takes its place. One process makes an entry while others wait for it.
    pub(crate) fn entry(
        &self,
        area: &str,
        name: &str,
        make: impl FnOnce(&Path) -> Result<()>,
    ) -> Result<PathBuf> {
        let entry = self.path(area, name);
        if entry.is_dir() {
            return Ok(entry);
        }
        let area = self.root.join(area);
        fs::create_dir_all(&area).map_err(cannot("create", &area))?;
        let lock_path = area.join(format!(".{name}.lock"));
        let lock = File::create(&lock_path).map_err(cannot("create", &lock_path))?;
        lock.lock().map_err(cannot("lock", &lock_path))?;
        if entry.is_dir() {
            return Ok(entry);
        }
        let partial = area.join(format!(".{name}.partial"));
        // Left by a build that was killed: nobody else is here while the lock is held.
        if partial.exists() {
            fs::remove_dir_all(&partial).map_err(cannot("remove", &partial))?;
        }
        fs::create_dir(&partial).map_err(cannot("create", &partial))?;
        make(&partial)?;
        fs::rename(&partial, &entry).map_err(cannot("create", &entry))?;
        Ok(entry)
    }
}

/// Gives a file that this run wrote an old date. Cargo runs a build script again when a file it watches is
/// newer than the start of the last run, and so would run twice.
pub(crate) fn predate(path: &Path) -> Result<()> {
    let set = |file: File| file.set_modified(SystemTime::UNIX_EPOCH);
    File::options().append(true).open(path).and_then(set).map_err(cannot("date", path))
}
