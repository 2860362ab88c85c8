//! The header of a safetensors file, checked before MLX opens the file.
//!
//! MLX's own reader trusts the header: a shape whose product wraps to zero, a dimension above 2³¹, overlapping or
//! wrapping offsets all pass and end in foreign memory. So every file is checked first, by its header alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::entries::{Entries, TensorInfo};
use crate::Result;
use crate::io::fault::{Fault, Outcome, report_file};
use crate::io::raw;

/// Bytes of the little-endian header length that starts a file.
const LENGTH_BYTES: u64 = 8;
/// The largest header that the format allows.
pub(super) const MAX_HEADER: u64 = 100_000_000;

/// What a safetensors file says of itself, all of it checked against the file's length.
#[derive(Debug, Clone, Default)]
pub struct Header {
    /// Dtype, shape and place of each tensor, by name. `data_offsets` count bytes from [`Header::data_start`].
    pub tensors: BTreeMap<String, TensorInfo>,
    /// The `__metadata__` entry; `format` is `mlx` for weights in MLX's layout, `pt` for PyTorch's.
    pub metadata: BTreeMap<String, String>,
    /// Where the tensors' bytes begin in the file.
    pub data_start: u64,
}

/// Reads and checks the header of the safetensors file at `path`.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) when the file cannot be read, or when MLX could not load it safely: a
/// length that does not fit the file, JSON that does not parse, a name given twice, a dtype that MLX lacks, a dimension
/// above 2³¹ - 1, bytes that are missing, left over, shared by two tensors or not what dtype and shape need.
#[track_caller]
pub fn check_safetensors(path: impl AsRef<Path>) -> Result<Header> {
    report_file("safetensors", path.as_ref(), file_header(path.as_ref()))
}

pub(super) fn file_header(path: &Path) -> Outcome<Header> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    read_header(&mut file, len)
}

/// Reads the header of a file of `file_len` bytes and leaves `reader` at the data.
pub(super) fn read_header(reader: &mut impl Read, file_len: u64) -> Outcome<Header> {
    let corrupt = |message: String| Fault::from(format!("invalid safetensors file: {message}"));
    if file_len < LENGTH_BYTES {
        return Err(corrupt(format!("it has {file_len} bytes, too few for a header")));
    }
    let mut length = [0; LENGTH_BYTES as usize];
    reader.read_exact(&mut length)?;
    let header_len = u64::from_le_bytes(length);
    if header_len > MAX_HEADER {
        return Err(corrupt(format!("a header of {header_len} bytes, more than the format's {MAX_HEADER}")));
    }
    let data_start = LENGTH_BYTES + header_len;
    if data_start > file_len {
        return Err(corrupt(format!(
            "a header of {header_len} bytes in a file of {file_len}; it is cut short"
        )));
    }
    let text = raw::read_exactly(reader, header_len as usize)?;
    parse_header(&text, file_len - data_start).map_err(corrupt)
}

/// Checks a header's JSON against the number of bytes that follow it in the file.
///
/// # Errors
/// What is wrong, in words.
pub fn parse_header(text: &[u8], data_len: u64) -> Result<Header, String> {
    let Entries { metadata, mut tensors } =
        serde_json::from_slice(text).map_err(|e| format!("header: {e}"))?;
    for (name, info) in &tensors {
        check_tensor(info).map_err(|message| format!("tensor `{name}`: {message}"))?;
    }
    reject_duplicates(&tensors)?;

    tensors.sort_by_key(|(_, info)| info.data_offsets);
    let declared = contiguous_end(&tensors)?;
    if declared != data_len {
        let how = if declared > data_len { "it is cut short" } else { "the rest belongs to no tensor" };
        return Err(format!("its tensors take {declared} bytes, the file holds {data_len}; {how}"));
    }
    let tensors = tensors.into_iter().collect();
    Ok(Header { tensors, metadata, data_start: LENGTH_BYTES + text.len() as u64 })
}

/// What MLX demands of one tensor, beyond the format's own rules.
fn check_tensor(info: &TensorInfo) -> Result<(), String> {
    let TensorInfo { stored_as, dtype, shape, data_offsets: (start, end) } = info;
    let extents: Vec<u64> = shape.iter().map(|&extent| extent as u64).collect();
    let (_, bytes) = raw::layout(&extents, dtype.size())?;
    if end.checked_sub(*start) != Some(bytes) {
        return Err(format!(
            "{stored_as} of shape {shape:?} takes {bytes} bytes, data_offsets are [{start}, {end}]"
        ));
    }
    Ok(())
}

fn reject_duplicates(tensors: &[(String, TensorInfo)]) -> Result<(), String> {
    let mut names: Vec<&str> = tensors.iter().map(|(name, _)| name.as_str()).collect();
    names.sort_unstable();
    match names.windows(2).find(|pair| pair[0] == pair[1]) {
        Some(pair) => Err(format!("tensor `{}` is declared twice", pair[0])),
        None => Ok(()),
    }
}

/// The end of the last of `tensors`, which are in the order of their places, if each begins where the one before it
/// ends.
fn contiguous_end(tensors: &[(String, TensorInfo)]) -> Result<u64, String> {
    let mut expected = 0;
    for (name, info) in tensors {
        let (start, end) = info.data_offsets;
        if start != expected {
            let what =
                if start < expected { "overlaps the tensor before it" } else { "leaves a hole before it" };
            return Err(format!("tensor `{name}` {what}: it starts at byte {start}, expected {expected}"));
        }
        expected = end;
    }
    Ok(expected as u64)
}
