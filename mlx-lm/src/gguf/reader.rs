//! Opens a file: header, metadata and tensor table, all checked.

use std::collections::BTreeMap;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use super::cursor::Cursor;
use super::types::GgmlType;
use super::value::Metadata;
use crate::error::{Error, Result};

const MAGIC: [u8; 4] = *b"GGUF";
const DEFAULT_ALIGNMENT: u64 = 32;
/// ggml tensors have at most four dimensions.
const MAX_DIMENSIONS: u32 = 4;

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
    /// The GGUF name, such as `blk.0.attn_q.weight`.
    pub name: String,
    /// Row-major shape, outermost dimension first (the reverse of the order in the file).
    pub shape: Vec<usize>,
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
    /// # Errors
    /// [`Error::Io`] where the file cannot be read; [`Error::Weights`] where it is no GGUF file, cut short or
    /// inconsistent; [`Error::UnsupportedQuantization`] for a tensor type that ggml does not have.
    pub fn open(path: impl AsRef<Path>) -> Result<Gguf> {
        let path = path.as_ref();
        let file = File::open(path).map_err(|source| Error::io(path, source))?;
        let file_len = file.metadata().map_err(|source| Error::io(path, source))?.len();

        let mut cursor = Cursor::new(path, &file, file_len);
        let version = read_version(&mut cursor)?;
        let tensor_count = cursor.u64()?;
        let metadata_count = cursor.u64()?;
        // The least a tensor (empty name, no dimensions) and a metadata pair (empty name, one byte) can take.
        let tensor_count = cursor.count("tensors", tensor_count, 24)?;
        let metadata_count = cursor.count("metadata entries", metadata_count, 13)?;
        let metadata = Metadata::read(path.to_path_buf(), &mut cursor, metadata_count)?;

        let alignment = metadata.u64("general.alignment")?.unwrap_or(DEFAULT_ALIGNMENT);
        if !alignment.is_power_of_two() {
            return Err(cursor.error(format!("`general.alignment` is {alignment}, not a power of two")));
        }
        let mut tensors = Vec::new();
        let mut by_name = BTreeMap::new();
        for index in 0..tensor_count {
            let info = TensorInfo::read(&mut cursor, alignment)?;
            if by_name.insert(info.name.clone(), index).is_some() {
                return Err(cursor.error(format!("tensor `{}` stands twice", info.name)));
            }
            tensors.push(info);
        }
        let data_start = cursor
            .position()
            .checked_next_multiple_of(alignment)
            .ok_or_else(|| cursor.error(format!("`general.alignment` {alignment} is too large")))?;
        place_tensors(path, &mut tensors, data_start, file_len)?;
        Ok(Gguf { path: path.to_path_buf(), file, version, metadata, tensors, by_name })
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

    /// The tensor with that GGUF name.
    pub fn tensor(&self, name: &str) -> Option<&TensorInfo> {
        self.by_name.get(name).map(|&index| &self.tensors[index])
    }

    /// The bytes of a tensor as they stand in the file.
    ///
    /// # Errors
    /// [`Error::Io`] where they cannot be read, also when the file has become shorter since it was opened.
    pub fn read_tensor(&self, info: &TensorInfo) -> Result<Vec<u8>> {
        let mut bytes = vec![0; info.bytes];
        self.file.read_exact_at(&mut bytes, info.offset).map_err(|source| Error::io(&self.path, source))?;
        Ok(bytes)
    }
}

impl TensorInfo {
    /// Reads one line of the table; `offset` is still relative to the start of the data.
    fn read(cursor: &mut Cursor<'_>, alignment: u64) -> Result<TensorInfo> {
        let name = cursor.string()?;
        let dimensions = cursor.u32()?;
        if dimensions > MAX_DIMENSIONS {
            return Err(cursor
                .error(format!("tensor `{name}` has {dimensions} dimensions, more than {MAX_DIMENSIONS}")));
        }
        let mut shape = (0..dimensions).map(|_| cursor.u64()).collect::<Result<Vec<u64>>>()?;
        shape.reverse();
        let id = cursor.u32()?;
        let ggml_type = GgmlType::from_id(id).ok_or_else(|| {
            Error::UnsupportedQuantization(format!(
                "{id}: tensor `{name}` has a type that ggml does not define"
            ))
        })?;
        let offset = cursor.u64()?;
        if offset % alignment != 0 {
            return Err(
                cursor.error(format!("tensor `{name}`: offset {offset} is no multiple of {alignment}"))
            );
        }
        let bytes = data_len(&shape, ggml_type).ok_or_else(|| {
            cursor.error(format!("tensor `{name}`: shape {shape:?} is impossible for type {ggml_type}"))
        })?;
        Ok(TensorInfo { name, shape: shape.iter().map(|&n| n as usize).collect(), ggml_type, offset, bytes })
    }
}

fn read_version(cursor: &mut Cursor<'_>) -> Result<u32> {
    let magic = cursor.array::<4>()?;
    if magic != MAGIC {
        return Err(cursor.error("this is not a GGUF file"));
    }
    match cursor.u32()? {
        version @ (2 | 3) => Ok(version),
        1 => {
            Err(cursor
                .error("GGUF version 1 is not supported; convert the model again with a current llama.cpp"))
        }
        version if version.swap_bytes() <= 3 => {
            Err(cursor
                .error("big-endian GGUF is not supported; convert the model for a little-endian machine"))
        }
        version => Err(cursor.error(format!("GGUF version {version} is not supported; known: 2, 3"))),
    }
}

/// Bytes of a tensor: `None` for an empty dimension, a row that is no whole number of blocks, or an overflow.
fn data_len(shape: &[u64], ggml_type: GgmlType) -> Option<usize> {
    let elements = shape.iter().try_fold(1u64, |product, &n| product.checked_mul(n))?;
    let row = shape.last().copied().unwrap_or(1);
    let block = ggml_type.block_len() as u64;
    if elements == 0 || !row.is_multiple_of(block) {
        return None;
    }
    (elements / block).checked_mul(ggml_type.block_bytes() as u64)?.try_into().ok()
}

/// Makes the offsets absolute; refuses tensors outside the file and tensors that share bytes.
fn place_tensors(path: &Path, tensors: &mut [TensorInfo], data_start: u64, file_len: u64) -> Result<()> {
    for info in tensors.iter_mut() {
        let offset = data_start.checked_add(info.offset);
        let end = offset.and_then(|offset| offset.checked_add(info.bytes as u64));
        match (offset, end) {
            (Some(offset), Some(end)) if end <= file_len => info.offset = offset,
            _ => {
                let message = format!(
                    "tensor `{}` needs {} bytes at {} of the data, but the file ends before; is it cut short?",
                    info.name, info.bytes, info.offset
                );
                return Err(Error::weights(path, message));
            }
        }
    }
    let mut order: Vec<&TensorInfo> = tensors.iter().collect();
    order.sort_by_key(|info| info.offset);
    for pair in order.windows(2) {
        if pair[0].offset + pair[0].bytes as u64 > pair[1].offset {
            let message = format!("tensors `{}` and `{}` overlap", pair[0].name, pair[1].name);
            return Err(Error::weights(path, message));
        }
    }
    Ok(())
}
