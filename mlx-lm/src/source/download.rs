//! One file from the hub into its blob: resumed, verified, whole or not there.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use ureq::http::StatusCode;

use super::hub::RemoteFile;
use super::hub_cache::RepoCache;
use super::hub_client::{Client, Failure};
use super::progress::Progress;
use super::store::{self, CopyError, Verifier};
use crate::{Error, Result};

/// Attempts in a row that bring no byte before a download is given up.
const ATTEMPTS: u32 = 4;
/// The wait before the second attempt; it doubles with each.
const FIRST_WAIT: Duration = Duration::from_millis(250);

/// Bytes of `file` that are not on the disk yet.
pub(super) fn lacking(blobs: &Path, file: &RemoteFile) -> u64 {
    let bytes = file.expected.bytes;
    if is_there(&blobs.join(file.etag()), bytes) {
        return 0;
    }
    let partial = fs::metadata(partial_path(blobs, file)).map_or(0, |partial| partial.len());
    bytes.saturating_sub(partial)
}

fn is_there(blob: &Path, bytes: u64) -> bool {
    fs::metadata(blob).is_ok_and(|blob| blob.is_file() && blob.len() == bytes)
}

fn partial_path(blobs: &Path, file: &RemoteFile) -> PathBuf {
    blobs.join(format!("{}.incomplete", file.etag()))
}

/// The download of one file.
pub(super) struct Fetch<'a> {
    pub(super) client: &'a Client,
    pub(super) repo: &'a str,
    pub(super) commit: &'a str,
    pub(super) file: &'a RemoteFile,
    /// Bytes of other files that the progress bar counts before this one's.
    pub(super) done: u64,
    pub(super) progress: &'a Progress,
}

impl Fetch<'_> {
    /// Makes sure that the file's blob is in the cache.
    pub(super) fn run(&self, cache: &RepoCache) -> Result<()> {
        let blobs = cache.blobs();
        let blob = blobs.join(self.file.etag());
        let _lock = store::lock(&cache.lock_path(self.file.etag()))?;
        if is_there(&blob, self.file.expected.bytes) {
            self.progress.at(self.done + self.file.expected.bytes);
            return Ok(());
        }
        let partial = partial_path(&blobs, self.file);
        let resumed = fs::metadata(&partial).is_ok_and(|partial| partial.len() > 0);
        let mut result = self.complete(&partial)?;
        if result.is_err() && resumed {
            // What an earlier run, or another program, left behind may be bad; the server deserves a second chance.
            result = self.complete(&partial)?;
        }
        result.map_err(|message| self.failed(format!("it is corrupt: {message}")))?;
        fs::rename(&partial, &blob).map_err(|e| Error::io(&blob, e))
    }

    /// Downloads what `partial` lacks. The inner error says why the content is wrong; the file is then gone.
    fn complete(&self, partial: &Path) -> Result<Result<(), String>> {
        let file = File::options().create(true).truncate(false).read(true).write(true).open(partial);
        let mut file = file.map_err(|e| Error::io(partial, e))?;
        let mut verifier = self.take_up(&mut file).map_err(|e| Error::io(partial, e))?;
        let (mut most, mut attempt) = (verifier.seen(), 1);
        while verifier.seen() < self.file.expected.bytes {
            let failure = match self.attempt(&mut file, &mut verifier) {
                Ok(()) => {
                    Failure { message: "the connection broke".into(), transient: true, not_found: false }
                }
                Err(Stop::Failure(failure)) => failure,
                Err(Stop::Disk(e)) => return Err(self.disk_failed(partial, &verifier, e)),
            };
            if verifier.seen() > most {
                (most, attempt) = (verifier.seen(), 1);
                continue;
            }
            if attempt == ATTEMPTS || !failure.transient {
                let Failure { message, .. } = failure;
                let (seen, bytes) = (verifier.seen(), self.file.expected.bytes);
                let at = if seen > 0 {
                    format!(" ({seen} of {bytes} bytes are kept for the next try)")
                } else {
                    String::new()
                };
                return Err(self.failed(message + &at));
            }
            thread::sleep(FIRST_WAIT * 2u32.pow(attempt - 1));
            attempt += 1;
        }
        let verdict = verifier.finish();
        if verdict.is_err() {
            fs::remove_file(partial).map_err(|e| Error::io(partial, e))?;
        } else {
            // Without this, a crash after the rename could leave a blob of the right length and wrong content.
            file.sync_all().map_err(|e| Error::io(partial, e))?;
        }
        Ok(verdict)
    }

    /// Counts in what an earlier run left in `file`, unless it is too long to be a beginning.
    fn take_up(&self, file: &mut File) -> std::io::Result<Verifier<'_>> {
        let mut verifier = Verifier::new(&self.file.expected);
        if file.metadata()?.len() > self.file.expected.bytes {
            file.set_len(0)?;
        }
        let mut buffer = vec![0; 1 << 18];
        loop {
            match file.read(&mut buffer)? {
                0 => break,
                n => verifier.update(&buffer[..n]),
            }
        }
        self.progress.at(self.done + verifier.seen());
        Ok(verifier)
    }

    /// One request for the rest.
    fn attempt<'a>(&'a self, file: &mut File, verifier: &mut Verifier<'a>) -> Result<(), Stop> {
        let start = verifier.seen();
        let response =
            self.client.file(self.repo, self.commit, &self.file.name, start).map_err(Stop::Failure)?;
        if start > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            // The server sends all of it, or finds the range wrong: begin anew.
            file.set_len(0).and_then(|()| file.seek(SeekFrom::Start(0))).map_err(Stop::Disk)?;
            *verifier = Verifier::new(&self.file.expected);
            if !response.status().is_success() {
                return Ok(());
            }
        }
        let mut body = response.into_body().into_reader();
        let copied = store::copy(&mut body, file, verifier, |seen| self.progress.at(self.done + seen));
        copied.map_err(|e| match e {
            CopyError::Read(e) => {
                let message = format!("the connection broke: {e}");
                Stop::Failure(Failure { message, transient: true, not_found: false })
            }
            CopyError::Write(e) => Stop::Disk(e),
        })
    }

    /// A partial file is worth keeping, but not where it fills the disk.
    fn disk_failed(&self, partial: &Path, verifier: &Verifier<'_>, error: std::io::Error) -> Error {
        let lacking = self.file.expected.bytes.saturating_sub(verifier.seen());
        let error = store::write_error(partial.parent().unwrap_or(partial), lacking, error);
        // The reason matters more than whether the partial file could be removed.
        let _ = fs::remove_file(partial);
        error
    }

    fn failed(&self, message: String) -> Error {
        Error::Download { what: format!("{}/{}", self.repo, self.file.name), message }
    }
}

/// Why an attempt ended.
enum Stop {
    Failure(Failure),
    Disk(std::io::Error),
}
