//! Arrays by name in the [safetensors](https://huggingface.co/docs/safetensors) format.

mod entries;
mod header;

use super::fault::{Fault, Outcome, report, report_file};
use super::raw;
use crate::{Array, Dtype, Error, Result, ffi};
use entries::{DTYPES, METADATA};
use header::{MAX_HEADER, file_header, read_header};
use std::{
    collections::BTreeMap,
    io::{Read, Seek, SeekFrom, Write},
    path::Path,
};

pub use entries::TensorInfo;
pub use header::{Header, check_safetensors, parse_header};

/// The arrays of the safetensors file at `path`, by name.
///
/// The header is [checked](crate::io::check_safetensors) first. Elements are read when an array is evaluated, which must happen
/// on this thread; [`read_safetensors`] reads at once. The 8-bit floats `F8_E4M3` and `F8_E8M0` come as [`Dtype::U8`].
///
/// # Errors
/// As [`check_safetensors`].
///
/// [`check_safetensors`]: crate::io::check_safetensors
#[track_caller]
pub fn load_safetensors(path: impl AsRef<Path>) -> Result<BTreeMap<String, Array>> {
    load_safetensors_with_metadata(path).map(|(arrays, _)| arrays)
}

/// Like [`load_safetensors`], with the file's metadata: what writers say of it, such as `format` = `pt`.
#[doc(alias = "return_metadata")]
#[track_caller]
pub fn load_safetensors_with_metadata(
    path: impl AsRef<Path>,
) -> Result<(BTreeMap<String, Array>, BTreeMap<String, String>)> {
    const OP: &str = "load_safetensors";
    let path = path.as_ref();
    let header = report_file(OP, path, file_header(path))?;
    let Some(text) = path.to_str() else {
        return Err(Error::invalid(OP, format!("MLX needs a path in UTF-8, not {}", path.display())));
    };
    let mut arrays = ffi::io::load_safetensors(text)?;
    for array in arrays.values_mut() {
        if array.dtype()? == Dtype::Bool {
            // A file may hold other bytes than 0 and 1; viewed, they are true.
            *array = array.view(Dtype::Bool)?;
        }
    }
    Ok((arrays, header.metadata))
}

/// Reads arrays and metadata from anything that can be read and sought: a file within a file, bytes in memory.
///
/// The arrays are read at once and belong to no stream. The stream must start with the header and end with the data.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use std::io::Cursor;
/// let x = mlx::Array::from_slice(&[1i32, 2, 3], &[3]);
/// let mut bytes = Vec::new();
/// mlx::io::write_safetensors(&mut bytes, [("x", &x)], &[("made by", "a test")])?;
/// let (arrays, metadata) = mlx::io::read_safetensors(Cursor::new(&bytes))?;
/// assert_eq!(arrays["x"].to_vec::<i32>()?, [1, 2, 3]);
/// assert_eq!(metadata["made by"], "a test");
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`check_safetensors`](crate::io::check_safetensors).
#[track_caller]
pub fn read_safetensors(
    reader: impl Read + Seek,
) -> Result<(BTreeMap<String, Array>, BTreeMap<String, String>)> {
    report("read_safetensors", read(reader))
}

fn read(mut reader: impl Read + Seek) -> Outcome<(BTreeMap<String, Array>, BTreeMap<String, String>)> {
    let start = reader.stream_position()?;
    let end = reader.seek(SeekFrom::End(0))?;
    reader.seek(SeekFrom::Start(start))?;
    let Header { tensors, metadata, .. } = read_header(&mut reader, end.saturating_sub(start))?;
    // The checked header says that the tensors, in this order, are all that follows.
    let mut in_order: Vec<_> = tensors.into_iter().collect();
    in_order.sort_by_key(|(_, info)| info.data_offsets);
    let mut arrays = BTreeMap::new();
    for (name, info) in in_order {
        let (start, end) = info.data_offsets;
        let array = || -> Outcome<Array> {
            let bytes = raw::read_exactly(&mut reader, end.saturating_sub(start))?;
            let extents: Vec<u64> = info.shape.iter().map(|&extent| extent as u64).collect();
            Ok(raw::array(&bytes, &raw::layout(&extents, info.dtype.size())?.0, info.dtype)?)
        }();
        let array = array.map_err(|fault| fault.at(format_args!("tensor `{name}`")))?;
        arrays.insert(name, array);
    }
    Ok((arrays, metadata))
}

/// Evaluates `arrays` and writes them to a safetensors file at exactly `path`, with `metadata`.
///
/// Arrays that were loaded from the same file and not yet read are read first, so a file may be replaced by its own
/// contents.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, io};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("x.safetensors");
/// io::save_safetensors(&path, [("x", &Array::from_slice(&[1, 2], &[2]))], &[("format", "mlx")])?;
/// assert_eq!(io::load_safetensors(&path)?["x"].to_vec::<i32>()?, [1, 2]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// A name or a metadata key given twice, a name that the format reserves, a dtype it lacks ([`Dtype::F64`], which MLX
/// would not read back), or a path that cannot be written.
#[track_caller]
pub fn save_safetensors<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &[(&str, &str)],
) -> Result<()> {
    let path = path.as_ref();
    let written = prepare(arrays, metadata).and_then(|file| raw::create(path, |out| file.write(out)));
    report_file("save_safetensors", path, written)
}

/// Like [`save_safetensors`], to anything that can be written to.
#[track_caller]
pub fn write_safetensors<'a>(
    mut writer: impl Write,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &[(&str, &str)],
) -> Result<()> {
    report("write_safetensors", prepare(arrays, metadata).and_then(|file| file.write(&mut writer)))
}

/// A file whose header stands and whose arrays are evaluated.
struct Prepared<'a> {
    header: Vec<u8>,
    arrays: Vec<(&'a str, &'a Array)>,
}

fn prepare<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &[(&str, &str)],
) -> Outcome<Prepared<'a>> {
    let mut arrays = raw::evaluated(arrays)?;
    // Wide elements first: each array then starts at a multiple of its element's size, which readers that map the
    // file rely on.
    let mut widths = Vec::with_capacity(arrays.len());
    for &(name, array) in &arrays {
        widths.push((std::cmp::Reverse(array.dtype()?.size()), name, array));
    }
    widths.sort_by_key(|&(width, name, _)| (width, name));
    arrays = widths.into_iter().map(|(_, name, array)| (name, array)).collect();
    Ok(Prepared { header: header(&arrays, metadata)?, arrays })
}

/// The header's length and JSON.
fn header(arrays: &[(&str, &Array)], metadata: &[(&str, &str)]) -> Outcome<Vec<u8>> {
    let mut entries = serde_json::Map::new();
    let mut texts = serde_json::Map::new();
    for &(key, text) in metadata {
        if texts.insert(key.to_owned(), text.into()).is_some() {
            return Err(Fault::invalid(format!("metadata `{key}` is given twice")));
        }
    }
    if !texts.is_empty() {
        entries.insert(METADATA.to_owned(), texts.into());
    }
    let mut offset = 0;
    for &(name, array) in arrays {
        if name == METADATA {
            return Err(Fault::invalid(format!("`{METADATA}` cannot name an array: the format reserves it")));
        }
        let end = offset + array.nbytes()?;
        let entry = serde_json::json!({
            "dtype": stored_as(name, array.dtype()?)?,
            "shape": array.shape()?,
            "data_offsets": [offset, end],
        });
        entries.insert(name.to_owned(), entry);
        offset = end;
    }
    let mut text = serde_json::Value::Object(entries).to_string().into_bytes();
    text.resize(text.len().next_multiple_of(8), b' ');
    if text.len() as u64 > MAX_HEADER {
        let message = format!("a header of {} bytes, more than the format's {MAX_HEADER}", text.len());
        return Err(Fault::invalid(message));
    }
    Ok([&(text.len() as u64).to_le_bytes()[..], &text].concat())
}

fn stored_as(name: &str, dtype: Dtype) -> Outcome<&'static str> {
    let found = DTYPES.iter().find(|(_, known)| *known == dtype);
    found.map(|(stored_as, _)| *stored_as).ok_or_else(|| {
        Fault::invalid(format!(
            "array `{name}` is {dtype}, which safetensors files for MLX lack; cast it first"
        ))
    })
}

impl Prepared<'_> {
    fn write(&self, out: &mut impl Write) -> Outcome<()> {
        out.write_all(&self.header)?;
        for (_, array) in &self.arrays {
            out.write_all(&raw::bytes(array)?)?;
        }
        Ok(out.flush()?)
    }
}
