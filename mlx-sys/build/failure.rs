//! How the build fails: at once, or only when something is linked.

use std::fmt;
use std::io;
use std::path::Path;

pub(crate) type Result<T> = std::result::Result<T, Failure>;

/// What went wrong and what to do about it, in full sentences.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A request that cannot be met: a setting without meaning, another MLX release, source that does not
    /// compile.
    Refused(String),
    /// Something this machine lacks. `cargo check` and `cargo doc` do without it.
    Missing(String),
}

impl Failure {
    /// Adds another way out to the message.
    pub(crate) fn or(self, advice: &str) -> Self {
        match self {
            Self::Refused(message) => Self::Refused(format!("{message}\n{advice}")),
            Self::Missing(message) => Self::Missing(format!("{message}\n{advice}")),
        }
    }

    /// The same, as the answer to an explicit request.
    pub(crate) fn refused(self) -> Self {
        Self::Refused(self.to_string())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Refused(message) | Self::Missing(message)) = self;
        f.write_str(message)
    }
}

/// Turns an I/O error into a failure that names the action and the path.
pub(crate) fn cannot(action: &str, path: &Path) -> impl FnOnce(io::Error) -> Failure {
    let place = format!("{action} {}", path.display());
    move |error| {
        let advice = "Free space or fix permissions there, or set MLX_RS_CACHE_DIR to another folder.";
        Failure::Missing(format!("cannot {place}: {error}\n{advice}"))
    }
}
