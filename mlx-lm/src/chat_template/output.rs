//! Text of bounded length.

use std::fmt;
use std::io;

/// The longest text a template may produce, in bytes.
pub(super) const MAX_OUTPUT: usize = 16 << 20;

/// A buffer that refuses to grow past [`MAX_OUTPUT`].
#[derive(Default)]
pub(super) struct Output(Vec<u8>);

impl Output {
    pub(super) fn into_text(self) -> String {
        // Templates write whole strings.
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// Whether there was room for all of `bytes`; if not, none are taken.
    fn push(&mut self, bytes: &[u8]) -> bool {
        let fits = bytes.len() <= MAX_OUTPUT - self.0.len();
        if fits {
            self.0.extend_from_slice(bytes);
        }
        fits
    }
}

impl io::Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.push(bytes) { Ok(bytes.len()) } else { Err(io::ErrorKind::FileTooLarge.into()) }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl fmt::Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.push(text.as_bytes()) { Ok(()) } else { Err(fmt::Error) }
    }
}
