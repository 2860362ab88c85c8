//! Errors as messages and exit codes.

use mlx_lm::Error;
use std::{io::ErrorKind, process::ExitCode};

pub(crate) const CODES: &str = "\
Exit codes: 0 success, 1 failure, 2 wrong usage, 3 no such model, 4 download failed or offline,
5 the model's files are corrupt or not supported, 6 the prompt does not fit the context,
130 ended by Ctrl-C.";

/// Prints the error to stderr and gives its code. A reader that has closed the pipe wants no more, and no message.
pub(crate) fn report(error: &Error) -> ExitCode {
    if matches!(error, Error::Io { source, .. } if source.kind() == ErrorKind::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    eprintln!("error: {error}");
    ExitCode::from(match error {
        Error::ModelNotFound { .. } => 3,
        Error::Download { .. } | Error::Offline { .. } => 4,
        Error::Config { .. }
        | Error::UnsupportedModel { .. }
        | Error::UnsupportedQuantization(_)
        | Error::Weights { .. }
        | Error::Tokenizer(_)
        | Error::Template(_) => 5,
        Error::ContextLength { .. } => 6,
        _ => 1,
    })
}
