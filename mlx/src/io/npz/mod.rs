//! Arrays by name in NumPy's `.npz` format: a zip archive of `.npy` files.

mod zip;

use super::fault::{Outcome, report, report_file};
use super::{npy, raw};
use crate::{Array, Result};
use std::{
    collections::BTreeMap,
    fs::File,
    io::{BufReader, Read, Seek, Write},
    path::Path,
};
use zip::{Archive, ArchiveWriter, Method};

/// The arrays of the `.npz` file at `path`, stored or deflated, by name, read at once.
///
/// What an entry declares is checked before it is unpacked: entries that overlap, and more bytes than deflate can
/// make of what is there (1032 for one), are errors. So a file unpacks to at most 1032 times its length.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) for a file that cannot be read or is no sound archive, encrypted entries,
/// a checksum that does not match, and entries that [`load_npy`](crate::io::load_npy) refuses.
#[doc(alias = "mx.load")]
#[track_caller]
pub fn load_npz(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    let path = path.as_ref();
    let file = File::open(path).map_err(Into::into);
    report_file("load_npz", path, file.and_then(|file| read(BufReader::new(file))))
}

/// Like [`load_npz`], from anything that can be read and sought, such as a [`Cursor`](std::io::Cursor) over bytes.
#[track_caller]
pub fn read_npz(reader: impl Read + Seek) -> Result<BTreeMap<String, Array>> {
    report("read_npz", read(reader))
}

fn read(reader: impl Read + Seek) -> Outcome<BTreeMap<String, Array>> {
    let mut archive = Archive::open(reader)?;
    let mut arrays = BTreeMap::new();
    for entry in archive.take_entries() {
        let array = archive.read(&entry).and_then(|bytes| npy::parse(&bytes));
        let array = array.map_err(|fault| fault.at(format_args!("entry `{}`", entry.name)))?;
        let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name);
        if arrays.insert(name.to_owned(), array).is_some() {
            return Err(format!("two entries are called `{name}`").into());
        }
    }
    Ok(arrays)
}

/// Evaluates `arrays` and writes them to a `.npz` file at exactly `path`, uncompressed.
///
/// ```no_run
/// # fn main() -> mlx::Result<()> {
/// let (x, y) = (mlx::Array::scalar(1.5f32), mlx::Array::scalar(2i32));
/// mlx::io::save_npz("numbers.npz", [("x", &x), ("y", &y)])?; // numpy.load("numbers.npz")["x"]
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A name given twice or longer than 65531 bytes, or a path that cannot be written.
#[doc(alias = "mx.savez")]
#[track_caller]
pub fn save_npz<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    save("save_npz", path.as_ref(), arrays, Method::Stored)
}

/// Like [`save_npz`], deflated: smaller for masks and tokens, hardly so for weights, and slower.
#[doc(alias = "mx.savez_compressed")]
#[track_caller]
pub fn save_npz_compressed<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    save("save_npz_compressed", path.as_ref(), arrays, Method::Deflated)
}

/// Like [`save_npz`], to anything that can be written to.
#[track_caller]
pub fn write_npz<'a>(
    writer: impl Write,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    report("write_npz", raw::evaluated(arrays).and_then(|list| write(writer, &list, Method::Stored)))
}

/// Like [`save_npz_compressed`], to anything that can be written to.
#[track_caller]
pub fn write_npz_compressed<'a>(
    writer: impl Write,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Result<()> {
    let written = raw::evaluated(arrays).and_then(|list| write(writer, &list, Method::Deflated));
    report("write_npz_compressed", written)
}

#[track_caller]
fn save<'a>(
    op: &'static str,
    path: &Path,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    method: Method,
) -> Result<()> {
    let list = raw::evaluated(arrays);
    report_file(op, path, list.and_then(|list| raw::create(path, |out| write(out, &list, method))))
}

fn write(writer: impl Write, arrays: &[(&str, &Array)], method: Method) -> Outcome<()> {
    let mut archive = ArchiveWriter::new(writer);
    for (name, array) in arrays {
        let [header, elements] = npy::encode(array)?;
        let added = archive.add(&format!("{name}.npy"), &[&header, &elements], method);
        added.map_err(|fault| fault.at(format_args!("array `{name}`")))?;
    }
    archive.finish()
}
