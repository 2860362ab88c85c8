//! What went wrong in a file, before it is known which file it was and who asked for it.

use crate::{Error, ErrorKind, Result};
use std::{fmt::Display, io, path::Path};

/// An error on its way to [`report`].
#[derive(Debug)]
pub(super) struct Fault {
    kind: ErrorKind,
    message: String,
}

pub(super) type Outcome<T> = Result<T, Fault>;

impl Fault {
    /// The fault of one thing in the file: a tensor, an entry.
    pub(super) fn at(self, place: impl Display) -> Fault {
        Fault { message: format!("{place}: {}", self.message), ..self }
    }

    /// For arguments that do not go into a file, as opposed to a file that is corrupt.
    pub(super) fn invalid(message: impl Into<String>) -> Fault {
        Fault::from(message.into()).into_invalid()
    }

    /// Of an argument, what would otherwise be wrong with a file.
    pub(super) fn into_invalid(self) -> Fault {
        Fault { kind: ErrorKind::InvalidArgument, ..self }
    }
}

impl From<String> for Fault {
    fn from(message: String) -> Fault {
        Fault { kind: ErrorKind::Io, message }
    }
}

impl From<&str> for Fault {
    fn from(message: &str) -> Fault {
        message.to_owned().into()
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Fault {
        let kind = match error.kind() {
            io::ErrorKind::OutOfMemory => ErrorKind::OutOfMemory,
            _ => ErrorKind::Io,
        };
        Fault { kind, message: error.to_string() }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Fault {
        Fault { kind: error.kind(), message: error.message().to_owned() }
    }
}

/// The outcome of `op` on a stream, as the caller of the public function sees it.
#[track_caller]
pub(super) fn report<T>(op: &'static str, outcome: Outcome<T>) -> Result<T> {
    // Not `map_err`: a closure has a caller of its own.
    match outcome {
        Ok(value) => Ok(value),
        Err(Fault { kind, message }) => Err(Error::new(kind, op, message)),
    }
}

/// Like [`report`] for the file at `path`.
#[track_caller]
pub(super) fn report_file<T>(op: &'static str, path: &Path, outcome: Outcome<T>) -> Result<T> {
    match outcome {
        Ok(value) => Ok(value),
        Err(fault) => report(op, Err(fault.at(path.display()))),
    }
}
