//! Writes a file: header, metadata, tensor table, data.

use super::metadata::Metadata;
use super::reader::alignment;
use super::types::GgmlType;
use super::{MAGIC, MAX_DIMENSIONS};
use crate::io::fault::{Fault, Outcome, report, report_file};
use crate::io::raw;
use crate::{Array, Result};
use std::{io::Write, path::Path};

const VERSION: u32 = 3;
/// More than any reader asks for; it bounds what `general.alignment` makes of a file.
const MAX_ALIGNMENT: u64 = 1 << 20;

/// Evaluates `arrays` and writes them with `metadata` to a GGUF file of version 3 at exactly `path`.
///
/// Data starts at multiples of `general.alignment`, 32 by default. llama.cpp reads at most four dimensions and names
/// of 63 bytes, MLX eight dimensions and, of the types, no bf16, i64 and f64 as such.
///
/// # Errors
/// A name given twice, a dtype that ggml lacks (bool, unsigned integers, complex), more than eight dimensions, a
/// `general.alignment` that is no power of two or above 2²⁰, or a path that cannot be written.
#[doc(alias = "mx.save_gguf")]
#[track_caller]
pub fn save_gguf<'a>(
    path: impl AsRef<Path>,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &Metadata,
) -> Result<()> {
    let path = path.as_ref();
    let written = Prepared::new(arrays, metadata).and_then(|file| raw::create(path, |out| file.write(out)));
    report_file("save_gguf", path, written)
}

/// Like [`save_gguf`], to anything that can be written to.
#[track_caller]
pub fn write_gguf<'a>(
    mut writer: impl Write,
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
    metadata: &Metadata,
) -> Result<()> {
    report("write_gguf", Prepared::new(arrays, metadata).and_then(|file| file.write(&mut writer)))
}

/// A file whose header stands and whose arrays are evaluated.
struct Prepared<'a> {
    header: Vec<u8>,
    arrays: Vec<(&'a str, &'a Array)>,
    alignment: usize,
}

impl<'a> Prepared<'a> {
    fn new(
        arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
        metadata: &Metadata,
    ) -> Outcome<Prepared<'a>> {
        let alignment = match alignment(metadata).map_err(Fault::into_invalid)? {
            alignment @ ..=MAX_ALIGNMENT => alignment as usize,
            alignment => {
                return Err(Fault::invalid(format!("an alignment of {alignment} bytes is too large")));
            }
        };
        let arrays = raw::evaluated(arrays)?;
        let mut header = MAGIC.to_vec();
        header.extend(VERSION.to_le_bytes());
        header.extend((arrays.len() as u64).to_le_bytes());
        header.extend((metadata.len() as u64).to_le_bytes());
        metadata.write(&mut header);
        let mut offset = 0;
        for &(name, array) in &arrays {
            let line = table_line(name, array, offset);
            header.extend(line.map_err(|fault| fault.at(format_args!("array `{name}`")))?);
            offset += array.nbytes()?.next_multiple_of(alignment);
        }
        header.resize(header.len().next_multiple_of(alignment), 0);
        Ok(Prepared { header, arrays, alignment })
    }

    fn write(&self, out: &mut impl Write) -> Outcome<()> {
        out.write_all(&self.header)?;
        for (_, array) in &self.arrays {
            let mut bytes = raw::bytes(array)?;
            bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
            out.write_all(&bytes)?;
        }
        Ok(out.flush()?)
    }
}

/// What the tensor table says of one array.
fn table_line(name: &str, array: &Array, offset: usize) -> Outcome<Vec<u8>> {
    let (shape, dtype) = (array.shape()?, array.dtype()?);
    let Some(ggml_type) = GgmlType::of(dtype) else {
        return Err(Fault::invalid(format!("ggml has no type for {dtype}; cast it first")));
    };
    if shape.len() > MAX_DIMENSIONS {
        return Err(Fault::invalid(format!("{} dimensions, more than {MAX_DIMENSIONS}", shape.len())));
    }
    let mut line = (name.len() as u64).to_le_bytes().to_vec();
    line.extend(name.as_bytes());
    line.extend((shape.len() as u32).to_le_bytes());
    // Innermost dimension first.
    shape.iter().rev().for_each(|&extent| line.extend((extent as u64).to_le_bytes()));
    line.extend(ggml_type.id().to_le_bytes());
    line.extend((offset as u64).to_le_bytes());
    Ok(line)
}
