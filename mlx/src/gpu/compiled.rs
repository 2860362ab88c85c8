//! Compiled kernels, kept from process to process: compiling those of a model takes longer than its first token.

use crate::{Device, Property, Result, kernels::compile_cuda};
use std::{
    env, fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
};

/// The module of this source for the GPU, compiled unless it is in the user's cache.
pub(super) fn compiled(source: &str) -> Result<Vec<u8>> {
    let Some(path) = folder() else { return compile_cuda(source) };
    let key = key(source)?;
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    let path = path.join(format!("{:016x}.kernel", hasher.finish()));
    if let Some(module) = read(&path, &key) {
        return Ok(module);
    }
    let module = compile_cuda(source)?;
    // Where nothing can be kept, the next process compiles again.
    let _ = write(&path, &key, &module);
    Ok(module)
}

/// Where modules are kept: with whatever else this stack keeps for the user.
fn folder() -> Option<PathBuf> {
    let path = |name| env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let cache = path("MLX_RS_CACHE_DIR").or_else(|| {
        let cache = path("XDG_CACHE_HOME").or_else(|| Some(path("HOME")?.join(".cache")));
        Some(cache?.join("mlx-rs"))
    })?;
    Some(cache.join("kernels"))
}

/// What tells a module from all others. A file begins with it, since names are only hashes.
fn key(source: &str) -> Result<Vec<u8>> {
    let architecture = match Device::Gpu.info(0)?.remove("architecture") {
        Some(Property::Text(architecture)) => architecture,
        _ => String::new(),
    };
    Ok(format!("{architecture} {}\n{source}\0", env!("CARGO_PKG_VERSION")).into_bytes())
}

fn read(path: &Path, key: &[u8]) -> Option<Vec<u8>> {
    let file = fs::read(path).ok()?;
    Some(file.strip_prefix(key)?.to_vec())
}

/// Another process sees the whole file or none.
fn write(path: &Path, key: &[u8], module: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let unfinished = path.with_extension(format!("{}.tmp", std::process::id()));
    fs::write(&unfinished, [key, module].concat())?;
    fs::rename(&unfinished, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_found_by_its_whole_key() -> io::Result<()> {
        let folder = tempfile::tempdir()?;
        let path = folder.path().join("kernels/a.kernel");
        assert_eq!(read(&path, b"sm_90 source\0"), None);
        write(&path, b"sm_90 source\0", b"module")?;
        assert_eq!(read(&path, b"sm_90 source\0").as_deref(), Some(&b"module"[..]));
        assert_eq!(read(&path, b"sm_80 source\0"), None);
        assert_eq!(fs::read_dir(folder.path().join("kernels"))?.count(), 1);
        Ok(())
    }
}
