//! The hub's cache on disk, in the layout of Python's `huggingface_hub`, so that both share their files:
//!
//! ```text
//! models--ORG--NAME/refs/main                 the commit that the revision stands for
//! models--ORG--NAME/blobs/ETAG                a file's content
//! models--ORG--NAME/snapshots/COMMIT/FILE     a link to it
//! .locks/models--ORG--NAME/ETAG.lock          held while a blob is written
//! ```

use std::ffi::OsStr;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use crate::tokenizer::is_vocabulary;
use crate::weights;
use crate::{Error, Result};

/// One repository's part of the cache.
pub(super) struct RepoCache {
    root: PathBuf,
    locks: PathBuf,
}

impl RepoCache {
    /// The place of `org/name`, which need not exist.
    pub(super) fn new(hub_cache: &Path, repo: &str) -> Self {
        let folder = format!("models--{}", repo.replace('/', "--"));
        RepoCache { root: hub_cache.join(&folder), locks: hub_cache.join(".locks").join(folder) }
    }

    /// The folder of it all.
    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Where the commits are.
    pub(super) fn snapshots(&self) -> PathBuf {
        self.root.join("snapshots")
    }

    /// Where the blobs are.
    pub(super) fn blobs(&self) -> PathBuf {
        self.root.join("blobs")
    }

    /// The lock of the blob `etag`.
    pub(super) fn lock_path(&self, etag: &str) -> PathBuf {
        self.locks.join(format!("{etag}.lock"))
    }

    /// The files of `commit`.
    pub(super) fn snapshot(&self, commit: &str) -> PathBuf {
        self.root.join("snapshots").join(commit)
    }

    /// The snapshot that `revision` stood for when the hub was last asked.
    pub(super) fn find(&self, revision: &str) -> Option<PathBuf> {
        if is_commit(revision) {
            return Some(self.snapshot(revision));
        }
        let commit = fs::read_to_string(self.ref_path(revision)).ok()?;
        let commit = commit.trim();
        is_commit(commit).then(|| self.snapshot(commit))
    }

    /// Records that `revision` stands for `commit`.
    pub(super) fn remember(&self, revision: &str, commit: &str) -> Result<()> {
        if revision == commit {
            return Ok(());
        }
        let path = self.ref_path(revision);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder).and_then(|()| fs::write(&path, commit)).map_err(|e| Error::io(&path, e))
    }

    /// Makes `file` of `commit` a link to the blob `etag`.
    pub(super) fn link(&self, commit: &str, file: &str, etag: &str) -> Result<()> {
        let link = self.snapshot(commit).join(file);
        let up = "../".repeat(file.split('/').count() + 1);
        let target = format!("{up}blobs/{etag}");
        if fs::read_link(&link).is_ok_and(|present| present == Path::new(&target)) {
            return Ok(());
        }
        let make = || {
            fs::create_dir_all(link.parent().unwrap_or(&self.root))?;
            match fs::remove_file(&link) {
                Err(e) if e.kind() != ErrorKind::NotFound => return Err(e),
                _ => {}
            }
            match symlink(&target, &link) {
                // Another process was faster.
                Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
                // A file system without links gets the file itself, as in Python.
                Err(_) => fs::rename(self.blobs().join(etag), &link),
                Ok(()) => Ok(()),
            }
        };
        make().map_err(|e| Error::io(&link, e))
    }

    fn ref_path(&self, revision: &str) -> PathBuf {
        self.root.join("refs").join(revision)
    }
}

/// Whether a snapshot holds a whole model: an interrupted download, ours or another program's, does not.
pub(super) fn is_complete(snapshot: &Path) -> bool {
    // Downloads of ours link `config.json` last.
    snapshot.join("config.json").is_file() && has_tokenizer(snapshot) && weights::select(snapshot).is_ok()
}

fn has_tokenizer(snapshot: &Path) -> bool {
    let Ok(entries) = fs::read_dir(snapshot) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let stem = Path::new(&name).file_stem().and_then(OsStr::to_str);
        let extension = Path::new(&name).extension().and_then(OsStr::to_str);
        (matches!(stem, Some("tokenizer" | "vocab"))
            || extension == Some("tiktoken")
            || name.to_str().is_some_and(is_vocabulary))
            && entry.path().exists()
    })
}

/// Whether a text is a full commit id.
pub(super) fn is_commit(text: &str) -> bool {
    text.len() == 40 && is_hex(text)
}

/// Whether a text consists of lower-case hexadecimal digits only.
pub(super) fn is_hex(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
