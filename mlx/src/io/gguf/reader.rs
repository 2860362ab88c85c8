//! Opens a file: header, metadata and tensor table, all checked.

use super::cursor::Cursor;
use super::metadata::Metadata;
use super::types::GgmlType;
use super::{ALIGNMENT_KEY, DEFAULT_ALIGNMENT, MAGIC, MAX_DIMENSIONS};
use crate::Result;
use crate::io::fault::{Outcome, report_file};
use crate::io::raw;
use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

/// An open GGUF file. Metadata and tensor table are in memory, tensor data is on disk.
#[derive(Debug)]
pub struct Gguf {
    path: PathBuf,
    file: File,
    version: u32,
    metadata: Metadata,
    tensors: Vec<TensorInfo>,
    by_name: BTreeMap<String, usize>,
}

/// One line of the tensor table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TensorInfo {
    /// The name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Row-major shape, outermost dimension first (the reverse of the order in the file).
    pub shape: Vec<i32>,
    /// How the elements are stored.
    pub ggml_type: GgmlType,
    /// Where the data starts, in bytes from the start of the file.
    pub offset: u64,
    /// Length of the data in bytes.
    pub bytes: usize,
}

impl Gguf {
    /// Opens a GGUF file of version 2 or 3, little-endian.
    ///
    /// All of the header is checked: a count, length or offset that the file cannot hold is an error before anything
    /// is allocated for it.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where the file cannot be read, is no GGUF file, cut short or
    /// inconsistent, or has a tensor that ggml does not define or MLX cannot hold.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf> {
        report_file("gguf", path.as_ref(), open(path.as_ref()))
    }

    /// The file's path, as given to [`Gguf::open`].
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The version of the format: 2 or 3, which do not differ for a reader.
    pub fn version(&self) -> u32 {
        self.version
    }

    /// The metadata.
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The tensors, in the order of the file's table.
    pub fn tensors(&self) -> impl ExactSizeIterator<Item = &TensorInfo> {
        self.tensors.iter()
    }

    /// The tensor with that name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).and_then(|&index| self.tensors.get(index))
    }

    /// The bytes of a tensor as they stand in the file.
    ///
    /// # Errors
    /// [`ErrorKind::Io`](crate::ErrorKind::Io) where they cannot be read, also when the file has become shorter since
    /// it was opened.
    #[track_caller]
    pub fn read_tensor(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        report_file("gguf", &self.path, self.read(info))
    }

    pub(super) fn read(&self, info: &TensorInfo) -> Outcome<Vec<u8>> {
        let mut bytes = Vec::new();
        // A file with holes can be longer than memory.
        bytes.try_reserve_exact(info.bytes).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        bytes.resize(info.bytes, 0);
        self.file.read_exact_at(&mut bytes, info.offset)?;
        Ok(bytes)
    }

    pub(super) fn into_metadata(self) -> Metadata {
        self.metadata
    }
}

fn open(path: &Path) -> Outcome<Gguf> {
    let file = File::open(path)?;
    let file_len = file.metadata()?.len();
    let mut cursor = Cursor::new(&file, file_len);
    let version = read_version(&mut cursor)?;
    let (tensor_count, metadata_count) = (cursor.u64()?, cursor.u64()?);
    // The least a tensor (empty name, no dimensions) and a metadata pair (empty name, one byte) can take.
    let tensor_count = cursor.count("tensors", tensor_count, 24)?;
    let metadata_count = cursor.count("metadata entries", metadata_count, 13)?;
    let metadata = Metadata::read(path, &mut cursor, metadata_count)?;

    let alignment = alignment(&metadata)?;
    let mut tensors = Vec::new();
    let mut by_name = BTreeMap::new();
    for index in 0..tensor_count {
        let info = TensorInfo::read(&mut cursor, alignment)?;
        if by_name.insert(info.name.clone(), index).is_some() {
            return Err(cursor.fault(format!("tensor `{}` stands twice", info.name)));
        }
        tensors.push(info);
    }
    let data_start = cursor.position().checked_next_multiple_of(alignment);
    let data_start =
        data_start.ok_or_else(|| cursor.fault(format!("`{ALIGNMENT_KEY}` {alignment} is too large")))?;
    place_tensors(&mut tensors, data_start, file_len)?;
    Ok(Gguf { path: path.to_path_buf(), file, version, metadata, tensors, by_name })
}

/// What the offsets of tensors are multiples of.
pub(super) fn alignment(metadata: &Metadata) -> Outcome<u64> {
    let alignment = match metadata.get(ALIGNMENT_KEY) {
        None => DEFAULT_ALIGNMENT,
        Some(value) => value.as_u64().ok_or(format!("`{ALIGNMENT_KEY}` is {value:?}, not an integer"))?,
    };
    match alignment.is_power_of_two() {
        true => Ok(alignment),
        false => Err(format!("`{ALIGNMENT_KEY}` is {alignment}, not a power of two").into()),
    }
}

impl TensorInfo {
    /// Reads one line of the table; `offset` is still relative to the start of the data.
    fn read(cursor: &mut Cursor<'_>, alignment: u64) -> Outcome<TensorInfo> {
        let name = cursor.string()?;
        let place = format!("tensor `{name}`");
        let dimensions = cursor.u32()?;
        if dimensions > MAX_DIMENSIONS as u32 {
            return Err(
                cursor.fault(format!("{place} has {dimensions} dimensions, more than {MAX_DIMENSIONS}"))
            );
        }
        let mut extents = (0..dimensions).map(|_| cursor.u64()).collect::<Outcome<Vec<u64>>>()?;
        extents.reverse();
        let id = cursor.u32()?;
        let Some(ggml_type) = GgmlType::from_id(id) else {
            return Err(cursor.fault(format!("{place} has the type {id}, which ggml does not define")));
        };
        let offset = cursor.u64()?;
        if offset % alignment != 0 {
            return Err(cursor.fault(format!("{place}: offset {offset} is no multiple of {alignment}")));
        }
        let (shape, bytes) =
            data_len(&extents, ggml_type).map_err(|message| cursor.fault(format!("{place}: {message}")))?;
        Ok(TensorInfo { name, shape, ggml_type, offset, bytes })
    }
}

fn read_version(cursor: &mut Cursor<'_>) -> Outcome<u32> {
    if cursor.array::<4>()? != MAGIC {
        return Err(cursor.fault("this is not a GGUF file"));
    }
    match cursor.u32()? {
        version @ (2 | 3) => Ok(version),
        1 => {
            Err(cursor
                .fault("GGUF version 1 is not supported; convert the model again with a current llama.cpp"))
        }
        version if version.swap_bytes() <= 3 => {
            Err(cursor
                .fault("big-endian GGUF is not supported; convert the model for a little-endian machine"))
        }
        version => Err(cursor.fault(format!("GGUF version {version} is not supported; known: 2, 3"))),
    }
}

/// Shape and bytes of a tensor, unless a row is no whole number of blocks, or the shape is beyond MLX.
fn data_len(extents: &[u64], ggml_type: GgmlType) -> Result<(Vec<i32>, usize), String> {
    // No type takes more than eight bytes for an element once it is unpacked.
    let (shape, unpacked) = raw::layout(extents, 8)?;
    let row = extents.last().copied().unwrap_or(1);
    if !row.is_multiple_of(ggml_type.block_len() as u64) {
        return Err(format!("shape {extents:?} is impossible for type {ggml_type}"));
    }
    Ok((shape, unpacked / 8 / ggml_type.block_len() * ggml_type.block_bytes()))
}

/// Makes the offsets absolute; refuses tensors outside the file and tensors that share bytes.
fn place_tensors(tensors: &mut [TensorInfo], data_start: u64, file_len: u64) -> Outcome<()> {
    for info in tensors.iter_mut() {
        let offset = data_start.checked_add(info.offset);
        let end = offset.and_then(|offset| offset.checked_add(info.bytes as u64));
        match (offset, end) {
            (Some(offset), Some(end)) if end <= file_len || info.bytes == 0 => info.offset = offset,
            _ => {
                let message = format!(
                    "tensor `{}` needs {} bytes at {} of the data, but the file ends before; is it cut short?",
                    info.name, info.bytes, info.offset
                );
                return Err(message.into());
            }
        }
    }
    let mut order: Vec<&TensorInfo> = tensors.iter().filter(|info| info.bytes > 0).collect();
    order.sort_by_key(|info| info.offset);
    for pair in order.windows(2) {
        if pair[0].offset + pair[0].bytes as u64 > pair[1].offset {
            return Err(format!("tensors `{}` and `{}` overlap", pair[0].name, pair[1].name).into());
        }
    }
    Ok(())
}
