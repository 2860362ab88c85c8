//! Reads an archive: the directory first, then each entry.

use super::{CENTRAL, END, END64, END64_BYTES, END64_LOCATOR, EXTRA64, IN_EXTRA, LOCAL, Method};
use crate::io::fault::{Fault, Outcome};
use crate::io::raw::read_exactly;
use flate2::{Crc, read::DeflateDecoder};
use std::io::{Read, Seek, SeekFrom};

const ENCRYPTED: u16 = 1;
/// Deflate's best: 258 bytes for two bits.
const MAX_RATIO: u64 = 1032;
/// Bytes of the records without what varies in length.
const LOCAL_BYTES: usize = 30;
const CENTRAL_BYTES: usize = 46;
const END_BYTES: usize = 22;
const LOCATOR_BYTES: usize = 20;

/// A file in an archive, its place and sizes checked.
#[derive(Debug)]
pub(in crate::io::npz) struct Entry {
    pub(in crate::io::npz) name: String,
    method: Method,
    crc: u32,
    packed: u64,
    size: u64,
    /// The entry's first byte and that of its data.
    start: u64,
    data: u64,
}

pub(in crate::io::npz) struct Archive<R> {
    reader: R,
    entries: Vec<Entry>,
}

impl<R: Read + Seek> Archive<R> {
    /// Reads the directory and the local headers.
    pub(in crate::io::npz) fn open(mut reader: R) -> Outcome<Archive<R>> {
        let (directory, count, start) = read_directory(&mut reader)?;
        let mut fields = Fields(&directory);
        let mut entries = Vec::new();
        for _ in 0..count {
            entries.push(Entry::read(&mut fields)?);
        }
        for entry in &mut entries {
            entry
                .locate(&mut reader, start)
                .map_err(|fault| fault.at(format_args!("entry `{}`", entry.name)))?;
        }
        entries.sort_by_key(|entry| entry.start);
        if let Some(pair) = entries.windows(2).find(|pair| pair[0].data + pair[0].packed > pair[1].start) {
            return Err(format!("entries `{}` and `{}` overlap", pair[0].name, pair[1].name).into());
        }
        Ok(Archive { reader, entries })
    }

    pub(in crate::io::npz) fn take_entries(&mut self) -> Vec<Entry> {
        std::mem::take(&mut self.entries)
    }

    /// The unpacked bytes of an entry.
    pub(in crate::io::npz) fn read(&mut self, entry: &Entry) -> Outcome<Vec<u8>> {
        self.reader.seek(SeekFrom::Start(entry.data))?;
        let mut packed = self.reader.by_ref().take(entry.packed);
        let size = entry.size as usize;
        let bytes = match entry.method {
            Method::Stored => read_exactly(&mut packed, size)?,
            Method::Deflated => read_exactly(&mut DeflateDecoder::new(packed), size)?,
        };
        let mut crc = Crc::new();
        crc.update(&bytes);
        if crc.sum() == entry.crc {
            Ok(bytes)
        } else {
            Err("its checksum does not match; it is damaged".into())
        }
    }
}

/// The bytes of the central directory, the number of entries in it, and where it starts.
fn read_directory(reader: &mut (impl Read + Seek)) -> Outcome<(Vec<u8>, u64, u64)> {
    let len = reader.seek(SeekFrom::End(0))?;
    // A comment of up to 64 KiB may follow the last record; before it may stand the 64-bit ones.
    let tail_len = len.min((LOCATOR_BYTES + END_BYTES + usize::from(u16::MAX)) as u64);
    let tail_start = len - tail_len;
    reader.seek(SeekFrom::Start(tail_start))?;
    let tail = read_exactly(reader, tail_len as usize)?;
    let at = find_end(&tail).ok_or("this is not a zip archive, or it is cut short")?;

    let mut end = Fields(&tail[at + 4..]);
    let (disk, directory_disk, _, count) = (end.u16()?, end.u16()?, end.u16()?, end.u16()?);
    let (mut size, mut start) = (u64::from(end.u32()?), u64::from(end.u32()?));
    let mut count = u64::from(count);
    let mut limit = tail_start + at as u64;
    if count == u64::from(u16::MAX) || [size, start].contains(&u64::from(IN_EXTRA)) {
        let locator = at.checked_sub(LOCATOR_BYTES).map(|at| Fields(&tail[at..]));
        let mut locator = locator.ok_or("the archive's 64-bit directory is missing")?;
        locator.signature(END64_LOCATOR)?;
        locator.u32()?;
        limit = locator.u64()?;
        reader.seek(SeekFrom::Start(limit.min(len)))?;
        let record = read_exactly(reader, END64_BYTES).map_err(|fault| fault.at("64-bit directory"))?;
        let mut record = Fields(&record);
        record.signature(END64)?;
        record.skip(28)?;
        (count, size, start) = (record.u64()?, record.u64()?, record.u64()?);
    } else if (disk, directory_disk) != (0, 0) {
        return Err("the archive is spread over several files".into());
    }
    if start.checked_add(size).is_none_or(|end| end > limit) || count > size / CENTRAL_BYTES as u64 {
        let message = format!("a directory of {count} entries in {size} bytes at {start} cannot be there");
        return Err(message.into());
    }
    reader.seek(SeekFrom::Start(start))?;
    Ok((read_exactly(reader, size as usize)?, count, start))
}

/// Where the end record starts: the last place whose comment reaches exactly to the end of the file.
fn find_end(tail: &[u8]) -> Option<usize> {
    let last = tail.len().checked_sub(END_BYTES)?;
    (0..=last).rev().find(|&at| {
        let comment = tail.len() - at - END_BYTES;
        tail[at..].starts_with(&END.to_le_bytes())
            && tail[at + 20..].starts_with(&(comment as u16).to_le_bytes())
    })
}

impl Entry {
    /// One entry of the directory; where its data starts is not yet known.
    fn read(fields: &mut Fields<'_>) -> Outcome<Entry> {
        fields.signature(CENTRAL)?;
        fields.skip(4)?;
        let (flags, method) = (fields.u16()?, fields.u16()?);
        fields.skip(4)?;
        let (crc, packed, size) = (fields.u32()?, fields.u32()?, fields.u32()?);
        let (name, extra, comment) = (fields.u16()?, fields.u16()?, fields.u16()?);
        fields.skip(8)?;
        let start = fields.u32()?;
        let name = std::str::from_utf8(fields.take(name.into())?);
        let name = name.map_err(|_| "the name of an entry is not UTF-8".to_owned())?.to_owned();
        let mut wide = extra64(fields.take(extra.into())?);
        fields.skip(comment.into())?;

        let mut widen = |value: u32| if value == IN_EXTRA { wide.u64() } else { Ok(value.into()) };
        let (size, packed, start) = (widen(size)?, widen(packed)?, widen(start)?);
        let checked = match method {
            _ if flags & ENCRYPTED != 0 => Err("it is encrypted".to_owned()),
            0 if size == packed => Ok(Method::Stored),
            0 => Err(format!("it is stored, but {packed} bytes shall be {size}")),
            8 if size <= packed.saturating_mul(MAX_RATIO) => Ok(Method::Deflated),
            8 => Err(format!("{packed} bytes cannot unpack to {size}")),
            _ => Err(format!("compression method {method} is not supported; stored and deflated are")),
        };
        let method = checked.map_err(|message| Fault::from(message).at(format_args!("entry `{name}`")))?;
        Ok(Entry { name, method, crc, packed, size, start, data: 0 })
    }

    /// Finds the data behind the local header. All of it must lie before the directory, at `limit`.
    fn locate(&mut self, reader: &mut (impl Read + Seek), limit: u64) -> Outcome<()> {
        reader.seek(SeekFrom::Start(self.start.min(limit)))?;
        let header = read_exactly(reader, LOCAL_BYTES)?;
        let mut fields = Fields(&header);
        fields.signature(LOCAL)?;
        fields.skip(22)?;
        let before = LOCAL_BYTES as u64 + u64::from(fields.u16()?) + u64::from(fields.u16()?);
        let data = self.start.checked_add(before);
        let end = data.and_then(|data| data.checked_add(self.packed));
        match (data, end) {
            (Some(data), Some(end)) if end <= limit => self.data = data,
            _ => return Err(format!("{} bytes at {} are not there", self.packed, self.start).into()),
        }
        Ok(())
    }
}

/// The 64-bit values among an entry's extra fields; nothing if there are none.
fn extra64(extra: &[u8]) -> Fields<'_> {
    let mut fields = Fields(extra);
    while let (Ok(id), Ok(len)) = (fields.u16(), fields.u16()) {
        match fields.take(len.into()) {
            Ok(value) if id == EXTRA64 => return Fields(value),
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Fields(&[])
}

/// Little-endian numbers, one after the other.
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn take(&mut self, len: usize) -> Outcome<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len).ok_or("the archive's directory is cut short")?;
        self.0 = rest;
        Ok(taken)
    }

    fn skip(&mut self, len: usize) -> Outcome<()> {
        self.take(len).map(|_| ())
    }

    fn array<const N: usize>(&mut self) -> Outcome<[u8; N]> {
        let mut bytes = [0; N];
        bytes.copy_from_slice(self.take(N)?);
        Ok(bytes)
    }

    fn u16(&mut self) -> Outcome<u16> {
        Ok(u16::from_le_bytes(self.array()?))
    }

    fn u32(&mut self) -> Outcome<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> Outcome<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn signature(&mut self, expected: u32) -> Outcome<()> {
        if self.u32()? == expected { Ok(()) } else { Err("the archive's directory is damaged".into()) }
    }
}
