//! Files that are stored whole and checked, or not at all.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::path::Path;

use sha1::Sha1;
use sha2::{Digest, Sha256};

use crate::{Error, Result};

/// What a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Expected {
    pub(super) bytes: u64,
    pub(super) checksum: Checksum,
}

/// A checksum in lower-case hexadecimal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Checksum {
    /// Of the content.
    Sha256(String),
    /// Of git's header and the content: the id of a blob in a repository.
    GitBlob(String),
}

/// Takes a file's bytes as they come and tells at the end whether they were the expected ones.
pub(super) struct Verifier<'a> {
    expected: &'a Expected,
    seen: u64,
    hasher: Hasher,
}

enum Hasher {
    Sha256(Sha256),
    Sha1(Sha1),
}

impl<'a> Verifier<'a> {
    pub(super) fn new(expected: &'a Expected) -> Self {
        let hasher = match expected.checksum {
            Checksum::Sha256(_) => Hasher::Sha256(Sha256::new()),
            Checksum::GitBlob(_) => Hasher::Sha1(Sha1::new_with_prefix(format!("blob {}\0", expected.bytes))),
        };
        Verifier { expected, seen: 0, hasher }
    }

    /// How many bytes came.
    pub(super) fn seen(&self) -> u64 {
        self.seen
    }

    pub(super) fn update(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        match &mut self.hasher {
            Hasher::Sha256(hasher) => hasher.update(bytes),
            Hasher::Sha1(hasher) => hasher.update(bytes),
        }
    }

    /// # Errors
    /// What differs.
    pub(super) fn finish(self) -> Result<(), String> {
        let Expected { bytes, checksum } = self.expected;
        if self.seen != *bytes {
            return Err(format!("got {} bytes instead of {bytes}", self.seen));
        }
        let (name, found) = match self.hasher {
            Hasher::Sha256(hasher) => ("SHA-256", hex(&hasher.finalize())),
            Hasher::Sha1(hasher) => ("git checksum", hex(&hasher.finalize())),
        };
        let (Checksum::Sha256(expected) | Checksum::GitBlob(expected)) = checksum;
        if found == *expected { Ok(()) } else { Err(format!("its {name} is {found}, expected {expected}")) }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// Why a copy stopped.
pub(super) enum CopyError {
    Read(io::Error),
    Write(io::Error),
}

/// Copies until the end of `from`, or until `verifier` has one byte more than it expects.
pub(super) fn copy(
    from: &mut dyn Read,
    to: &mut dyn Write,
    verifier: &mut Verifier<'_>,
    mut at: impl FnMut(u64),
) -> Result<(), CopyError> {
    let mut buffer = vec![0; 1 << 18];
    while verifier.seen() <= verifier.expected.bytes {
        let n = match from.read(&mut buffer) {
            Ok(0) => break,
            Ok(n) => n,
            Err(e) if e.kind() == ErrorKind::Interrupted => continue,
            Err(e) => return Err(CopyError::Read(e)),
        };
        to.write_all(&buffer[..n]).map_err(CopyError::Write)?;
        verifier.update(&buffer[..n]);
        at(verifier.seen());
    }
    to.flush().map_err(CopyError::Write)
}

/// Makes `folder` and checks that `needed` bytes fit in its file system.
///
/// # Errors
/// [`Error::Io`] that names the folder and both numbers when they do not.
pub(crate) fn reserve(folder: &Path, needed: u64) -> Result<()> {
    fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
    match free_bytes(folder) {
        Some(free) if free < needed => Err(no_space(folder, needed)),
        _ => Ok(()),
    }
}

/// The error of a failed write into `folder`, where `needed` bytes were still to come.
pub(super) fn write_error(folder: &Path, needed: u64, error: io::Error) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => no_space(folder, needed),
        _ => Error::io(folder, error),
    }
}

fn no_space(folder: &Path, needed: u64) -> Error {
    let free = free_bytes(folder).map_or_else(|| "an unknown number".into(), |free| free.to_string());
    let message = format!("no space left: {needed} bytes needed, {free} free");
    Error::io(folder, io::Error::new(ErrorKind::StorageFull, message))
}

/// What the file system of `folder` has left for this user; `None` when it does not tell.
fn free_bytes(folder: &Path) -> Option<u64> {
    let status = rustix::fs::statvfs(folder).ok()?;
    Some(status.f_bavail.saturating_mul(status.f_frsize))
}

/// Waits until no other process works on what the lock file stands for; dropping the file ends the claim.
pub(super) fn lock(path: &Path) -> Result<File> {
    let open = || {
        fs::create_dir_all(path.parent().unwrap_or(path))?;
        let file = File::options().create(true).append(true).open(path)?;
        match file.lock() {
            // Some network file systems have no locks; working without beats not working.
            Err(e) if e.kind() != ErrorKind::Unsupported => Err(e),
            _ => Ok(file),
        }
    };
    open().map_err(|e| Error::io(path, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sha256(content: &[u8]) -> Expected {
        Expected { bytes: content.len() as u64, checksum: Checksum::Sha256(hex(&Sha256::digest(content))) }
    }

    /// A disk that is full after so many bytes.
    struct Disk {
        written: Vec<u8>,
        size: usize,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let n = bytes.len().min(self.size - self.written.len());
            self.written.extend(&bytes[..n]);
            if n == 0 { Err(ErrorKind::StorageFull.into()) } else { Ok(n) }
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn git_ids_are_gits() {
        let id = "ce013625030ba8dba906f756967f9e9ca394464a"; // printf 'hello\n' | git hash-object --stdin
        let expected = Expected { bytes: 6, checksum: Checksum::GitBlob(id.into()) };
        let mut verifier = Verifier::new(&expected);
        verifier.update(b"hel");
        verifier.update(b"lo\n");
        verifier.finish().unwrap();
    }

    #[test]
    fn content_of_another_length_or_sum_is_refused() {
        let expected = sha256(b"weights");
        for (content, message) in [
            ("weight", "got 6 bytes instead of 7"),
            ("weights!", "got 8 bytes"),
            ("weighty", "its SHA-256 is "),
        ] {
            let mut verifier = Verifier::new(&expected);
            let copied = copy(&mut content.as_bytes(), &mut Vec::new(), &mut verifier, |_| ());
            assert!(copied.is_ok());
            let error = verifier.finish().unwrap_err();
            assert!(error.starts_with(message), "{error}");
        }
    }

    #[test]
    fn a_body_without_end_is_cut() {
        let expected = sha256(b"weights");
        let mut verifier = Verifier::new(&expected);
        assert!(copy(&mut io::repeat(0), &mut io::sink(), &mut verifier, |_| ()).is_ok());
        assert!(verifier.finish().is_err());
    }

    #[test]
    fn a_disk_that_fills_up_is_told_from_a_network_that_fails() {
        let content = vec![7; 1 << 20];
        let expected = sha256(&content);
        let mut disk = Disk { written: Vec::new(), size: 1 << 19 };
        let result = copy(&mut &content[..], &mut disk, &mut Verifier::new(&expected), |_| ());
        let Err(CopyError::Write(error)) = result else { panic!("the disk was full") };
        let folder = tempfile::tempdir().unwrap();
        let error = write_error(folder.path(), 12345, error).to_string();
        assert!(error.contains(folder.path().to_str().unwrap()), "{error}");
        assert!(error.contains("no space left: 12345 bytes needed, "), "{error}");
    }

    #[test]
    fn more_than_the_disk_holds_is_refused_before_the_first_byte() {
        let folder = tempfile::tempdir().unwrap();
        reserve(&folder.path().join("new"), 1).unwrap();
        let error = reserve(folder.path(), u64::MAX).unwrap_err().to_string();
        assert!(error.contains("18446744073709551615 bytes needed"), "{error}");
    }
}
