//! Writes an archive.

use super::{CENTRAL, END, END64, END64_BYTES, END64_LOCATOR, EXTRA64, IN_EXTRA, LOCAL, Method};
use crate::io::fault::{Fault, Outcome};
use flate2::{Compression, Crc, write::DeflateEncoder};
use std::io::Write;

const UTF8_NAME: u16 = 1 << 11;
/// 1980-01-01, the earliest date that can be written: the same arrays give the same file.
const DATE: u16 = 0x21;
/// Of a reader that knows 64-bit sizes.
const VERSION: u16 = 45;

/// Writes an archive front to back. All sizes are written as 64-bit ones: one way that is always exercised.
pub(in crate::io::npz) struct ArchiveWriter<W> {
    out: W,
    written: u64,
    directory: Vec<u8>,
    count: u64,
}

impl<W: Write> ArchiveWriter<W> {
    pub(in crate::io::npz) fn new(out: W) -> Self {
        ArchiveWriter { out, written: 0, directory: Vec::new(), count: 0 }
    }

    /// Adds an entry of the bytes of `parts`.
    pub(in crate::io::npz) fn add(&mut self, name: &str, parts: &[&[u8]], method: Method) -> Outcome<()> {
        let Ok(name_len) = u16::try_from(name.len()) else {
            return Err(Fault::invalid(format!("a name of {} bytes is too long for an archive", name.len())));
        };
        let mut crc = Crc::new();
        parts.iter().for_each(|part| crc.update(part));
        let size: usize = parts.iter().map(|part| part.len()).sum();
        let deflated = match method {
            Method::Stored => None,
            Method::Deflated => Some(deflate(parts)?),
        };
        let packed = deflated.as_ref().map_or(size, Vec::len);

        // What both headers say of the entry, from the needed version to the length of the name.
        let mut common = Vec::new();
        for value in [VERSION, UTF8_NAME, method as u16, 0, DATE] {
            common.extend(value.to_le_bytes());
        }
        for value in [crc.sum(), IN_EXTRA, IN_EXTRA] {
            common.extend(value.to_le_bytes());
        }
        common.extend(name_len.to_le_bytes());
        let mut extra = Vec::new();
        for value in [size as u64, packed as u64] {
            extra.extend(value.to_le_bytes());
        }

        let start = self.written;
        self.put(&LOCAL.to_le_bytes())?;
        self.put(&common)?;
        self.put(&(extra.len() as u16 + 4).to_le_bytes())?;
        self.put(name.as_bytes())?;
        self.put(&EXTRA64.to_le_bytes())?;
        self.put(&(extra.len() as u16).to_le_bytes())?;
        self.put(&extra)?;
        match &deflated {
            Some(bytes) => self.put(bytes)?,
            None => parts.iter().try_for_each(|part| self.put(part))?,
        }

        extra.extend(start.to_le_bytes());
        let entry = &mut self.directory;
        entry.extend(CENTRAL.to_le_bytes());
        entry.extend(VERSION.to_le_bytes());
        entry.extend(common);
        entry.extend((extra.len() as u16 + 4).to_le_bytes());
        // No comment, first disk, no attributes.
        entry.extend([0; 10]);
        entry.extend(IN_EXTRA.to_le_bytes());
        entry.extend(name.as_bytes());
        entry.extend(EXTRA64.to_le_bytes());
        entry.extend((extra.len() as u16).to_le_bytes());
        entry.extend(extra);
        self.count += 1;
        Ok(())
    }

    /// Writes the directory and its end records.
    pub(in crate::io::npz) fn finish(mut self) -> Outcome<()> {
        let (start, directory) = (self.written, std::mem::take(&mut self.directory));
        self.put(&directory)?;
        let end64 = self.written;
        let mut end = Vec::new();
        end.extend(END64.to_le_bytes());
        end.extend((END64_BYTES as u64 - 12).to_le_bytes());
        end.extend(VERSION.to_le_bytes());
        end.extend(VERSION.to_le_bytes());
        end.extend([0; 8]);
        for value in [self.count, self.count, directory.len() as u64, start] {
            end.extend(value.to_le_bytes());
        }
        end.extend(END64_LOCATOR.to_le_bytes());
        end.extend([0; 4]);
        end.extend(end64.to_le_bytes());
        end.extend(1u32.to_le_bytes());
        end.extend(END.to_le_bytes());
        end.extend([0; 4]);
        end.extend([0xff; 12]);
        end.extend([0; 2]);
        self.put(&end)?;
        Ok(self.out.flush()?)
    }

    fn put(&mut self, bytes: &[u8]) -> Outcome<()> {
        self.written += bytes.len() as u64;
        Ok(self.out.write_all(bytes)?)
    }
}

fn deflate(parts: &[&[u8]]) -> Outcome<Vec<u8>> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    for part in parts {
        encoder.write_all(part)?;
    }
    Ok(encoder.finish()?)
}
