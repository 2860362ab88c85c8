//! Elements as bytes: little-endian and row-major, as all formats here store them.

use super::fault::{Fault, Outcome};
use crate::{Array, Dtype, Result, ffi, stream::Scope};
use std::{
    fs::File,
    io::{BufWriter, Read, Write},
    path::Path,
};

/// More axes than any model uses; a bound on what a header can make us allocate per array.
const MAX_RANK: usize = 32;

/// The extents as MLX has them and the bytes they take, or why MLX cannot hold such an array.
pub(super) fn layout(extents: &[u64], element_bytes: usize) -> Result<(Vec<i32>, usize), String> {
    if extents.len() > MAX_RANK {
        return Err(format!("{} dimensions, more than {MAX_RANK}", extents.len()));
    }
    let too_large = |extent: &u64| format!("dimension {extent} exceeds {}", i32::MAX);
    let shape: Vec<i32> = extents
        .iter()
        .map(|extent| i32::try_from(*extent).map_err(|_| too_large(extent)))
        .collect::<Result<_, _>>()?;
    // An empty dimension does not excuse the others: a reduction over it multiplies what remains.
    let others = extents.iter().filter(|&&extent| extent != 0);
    let bytes = others.into_iter().try_fold(element_bytes as u64, |bytes, &extent| bytes.checked_mul(extent));
    match bytes.map(isize::try_from) {
        Some(Ok(bytes)) => Ok((shape, if extents.contains(&0) { 0 } else { bytes as usize })),
        _ => Err(format!("shape {extents:?} overflows")),
    }
}

/// Reads `len` bytes. A length that a file merely declares is not allocated before the bytes are there.
pub(super) fn read_exactly(reader: &mut impl Read, len: usize) -> Outcome<Vec<u8>> {
    const TRUSTED: usize = 16 << 20;
    let mut bytes = Vec::with_capacity(len.min(TRUSTED));
    reader.by_ref().take(len as u64).read_to_end(&mut bytes)?;
    if bytes.len() == len { Ok(bytes) } else { Err(cut_short(len, bytes.len())) }
}

pub(super) fn cut_short(needed: usize, found: usize) -> Fault {
    format!("{needed} bytes are needed, {found} are there; it is cut short").into()
}

/// An array of the elements in `bytes`, which must fill `shape`.
#[track_caller]
pub(super) fn array(bytes: &[u8], shape: &[i32], dtype: Dtype) -> Result<Array> {
    if dtype == Dtype::Bool {
        let bools: Vec<u8> = bytes.iter().map(|&byte| (byte != 0).into()).collect();
        return ffi::from_bytes(&bools, shape, dtype);
    }
    ffi::from_bytes(bytes, shape, dtype)
}

/// Evaluates `array` and gives its elements.
#[track_caller]
pub(super) fn bytes(array: &Array) -> Result<Vec<u8>> {
    // GPUs have no `float64`.
    let _cpu = if array.dtype()? == Dtype::F64 { Scope::cpu_instead("save")? } else { None };
    let dense = ffi::ops::contiguous(array, false)?;
    dense.eval()?;
    let mut bytes = ffi::read_bytes(&dense)?;
    if array.dtype()? == Dtype::Bool {
        // A `bool` view keeps whatever bytes it was made from.
        bytes.iter_mut().for_each(|byte| *byte = (*byte != 0).into());
    }
    Ok(bytes)
}

/// Writes a new file at `path`, in place of one that may be there.
pub(super) fn create(path: &Path, write: impl FnOnce(&mut BufWriter<File>) -> Outcome<()>) -> Outcome<()> {
    let mut file = BufWriter::new(File::create(path)?);
    write(&mut file)?;
    Ok(file.flush()?)
}

/// Evaluates all arrays in one pass, before a file is opened that some of them may still have to be read from.
pub(super) fn evaluated<'a>(
    arrays: impl IntoIterator<Item = (&'a str, &'a Array)>,
) -> Outcome<Vec<(&'a str, &'a Array)>> {
    let mut list: Vec<_> = arrays.into_iter().collect();
    list.sort_by_key(|&(name, _)| name);
    if let Some(pair) = list.windows(2).find(|pair| pair[0].0 == pair[1].0) {
        return Err(Fault::invalid(format!("the name `{}` is given twice", pair[0].0)));
    }
    crate::eval(list.iter().map(|&(_, array)| array))?;
    Ok(list)
}
