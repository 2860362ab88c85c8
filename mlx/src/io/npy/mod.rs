//! One array in NumPy's [`.npy` format](https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html).
//!
//! Read and written here and not by MLX, whose reader finds dtype and order at fixed places of the header, believes
//! the shape, and knows only the spelling of current NumPy.

mod header;

use super::fault::{Outcome, report, report_file};
use super::raw;
use crate::{Array, Result};
use header::{Header, Order};
use std::{
    borrow::Cow,
    fs::File,
    io::{BufReader, Read, Write},
    path::Path,
};

/// The array in the `.npy` file at `path`, read at once.
///
/// Reads versions 1 to 3 of the format, both byte orders, and C and Fortran order. `V2`, two bytes without a meaning,
/// is bfloat16, as MLX and NumPy's `ml_dtypes` write it.
///
/// # Errors
/// [`ErrorKind::Io`](crate::ErrorKind::Io) for a file that cannot be read, a malformed or cut header, too few bytes
/// for the shape, and dtypes that MLX lacks: text, times, records, `complex128`, and Python objects, which are pickled
/// code and never loaded.
#[doc(alias = "mx.load")]
#[track_caller]
pub fn load_npy(path: impl AsRef<Path>) -> Result<Array> {
    let path = path.as_ref();
    let file = File::open(path).map_err(Into::into);
    report_file("load_npy", path, file.and_then(|file| read(&mut BufReader::new(file))))
}

/// Like [`load_npy`], from anything that can be read. What follows the array is left in the reader.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let mut bytes = Vec::new();
/// for i in 0..2 {
///     mlx::io::write_npy(&mut bytes, &mlx::Array::from_slice(&[i], &[1]))?;
/// }
/// let mut reader = bytes.as_slice();
/// assert_eq!(mlx::io::read_npy(&mut reader)?.item::<i32>()?, 0);
/// assert_eq!(mlx::io::read_npy(&mut reader)?.item::<i32>()?, 1);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn read_npy(mut reader: impl Read) -> Result<Array> {
    report("read_npy", read(&mut reader))
}

fn read(reader: &mut impl Read) -> Outcome<Array> {
    let header = Header::read(reader)?;
    let bytes = raw::read_exactly(reader, header.bytes)?;
    array(&header, &bytes)
}

/// Like [`read_npy`], from memory, where the elements need no copy of their own.
pub(super) fn parse(mut file: &[u8]) -> Outcome<Array> {
    let header = Header::read(&mut file)?;
    match file.get(..header.bytes) {
        Some(bytes) => array(&header, bytes),
        None => Err(raw::cut_short(header.bytes, file.len())),
    }
}

fn array(header: &Header, bytes: &[u8]) -> Outcome<Array> {
    let mut bytes = Cow::Borrowed(bytes);
    if header.big_endian && header.word > 1 {
        bytes.to_mut().chunks_exact_mut(header.word).for_each(<[u8]>::reverse);
    }
    Ok(match header.order {
        Order::C => raw::array(&bytes, &header.shape, header.dtype)?,
        Order::Fortran => {
            let reversed: Vec<i32> = header.shape.iter().rev().copied().collect();
            let array = raw::array(&bytes, &reversed, header.dtype)?.transpose(..)?;
            // Or it would belong to this thread, other than all arrays that are read.
            array.eval()?;
            array
        }
    })
}

/// Evaluates `array` and writes it to exactly `path`, as a `.npy` file of version 1 in C order.
///
/// bfloat16 is written as `V2`: MLX reads it back as what it was, NumPy as two bytes per element.
///
/// # Errors
/// A path that cannot be written.
#[doc(alias = "mx.save")]
#[track_caller]
pub fn save_npy(path: impl AsRef<Path>, array: &Array) -> Result<()> {
    let path = path.as_ref();
    let written = encode(array).and_then(|parts| raw::create(path, |out| write(out, &parts)));
    report_file("save_npy", path, written)
}

/// Like [`save_npy`], to anything that can be written to.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, io};
/// let mut bytes = Vec::new();
/// io::write_npy(&mut bytes, &Array::from_slice(&[1, 2, 3], &[3]))?;
/// assert_eq!(io::read_npy(&bytes[..])?.to_vec::<i32>()?, [1, 2, 3]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn write_npy(mut writer: impl Write, array: &Array) -> Result<()> {
    report("write_npy", encode(array).and_then(|parts| write(&mut writer, &parts)))
}

/// The header and the elements.
pub(super) fn encode(array: &Array) -> Outcome<[Vec<u8>; 2]> {
    let bytes = raw::bytes(array)?;
    Ok([header::write(array.dtype()?, array.shape()?), bytes])
}

fn write(out: &mut impl Write, parts: &[Vec<u8>; 2]) -> Outcome<()> {
    for part in parts {
        out.write_all(part)?;
    }
    Ok(out.flush()?)
}
