//! Reads the header front to back; no length in it is believed before it is compared with the bytes that are left.

use crate::io::fault::{Fault, Outcome};
use std::{
    fs::File,
    io::{BufReader, Read},
};

/// The most a header may take. The largest in use (a vocabulary of 256 000 tokens with its merges) have about 30 MiB.
const HEADER_LIMIT: u64 = 128 << 20;

/// A reader of little-endian values that knows how many bytes are left.
pub(super) struct Cursor<'a> {
    reader: BufReader<&'a File>,
    position: u64,
    end: u64,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of `file`, which is `file_len` bytes long.
    pub(super) fn new(file: &'a File, file_len: u64) -> Self {
        Cursor { reader: BufReader::new(file), position: 0, end: file_len.min(HEADER_LIMIT) }
    }

    /// Bytes read so far.
    pub(super) fn position(&self) -> u64 {
        self.position
    }

    /// A fault that says where in the file it is.
    pub(super) fn fault(&self, message: impl std::fmt::Display) -> Fault {
        format!("GGUF header, byte {}: {message}", self.position).into()
    }

    /// Checks that `count` things of at least `min_bytes` each can still follow.
    pub(super) fn count(&self, what: &str, count: u64, min_bytes: u64) -> Outcome<usize> {
        let left = self.end - self.position;
        match count.checked_mul(min_bytes) {
            Some(bytes) if bytes <= left => Ok(count as usize),
            _ => {
                Err(self
                    .fault(format!("{count} {what} cannot fit into the {left} bytes left for the header")))
            }
        }
    }

    pub(super) fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        self.count("bytes", N as u64, 1)?;
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    pub(super) fn u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    pub(super) fn u64(&mut self) -> Outcome<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    /// A string: its length in bytes as u64, then UTF-8.
    pub(super) fn string(&mut self) -> Outcome<String> {
        let len = self.u64()?;
        let len = self.count("bytes of text", len, 1)?;
        let mut bytes = vec![0; len];
        self.fill(&mut bytes)?;
        String::from_utf8(bytes).map_err(|_| self.fault("the text that ends here is not UTF-8"))
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Outcome<()> {
        self.reader.read_exact(bytes)?;
        self.position += bytes.len() as u64;
        Ok(())
    }
}
