//! Tables, sizes and times on stdout.

use mlx_lm::{Error, Result};
use std::io::Write;

/// Prints a text to stdout.
pub(crate) fn print(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).map_err(|e| Error::io("stdout", e))
}
