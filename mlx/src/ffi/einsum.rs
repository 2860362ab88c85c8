//! The operations of `einsum.h`.

use super::{ArrayList, args::Arg, call};
use crate::Result;
use mlx_sys::{mlx_int_vector, mlx_owned_string};
use std::mem::MaybeUninit;

ops! {
    einsum(subscripts: &str, operands: &ArrayList<'_>) = mlx_einsum;
}

/// The steps of a contraction, each the positions it takes from the list of operands, and a text about their costs.
#[track_caller]
pub(crate) fn einsum_path(subscripts: &str, operands: &ArrayList<'_>) -> Result<(Vec<Vec<usize>>, String)> {
    let text = subscripts.to_c()?;
    let (mut positions, mut sizes) = (MaybeUninit::uninit(), MaybeUninit::uninit());
    let mut summary = MaybeUninit::uninit();
    let (out_positions, out_sizes, out_summary) =
        (positions.as_mut_ptr(), sizes.as_mut_ptr(), summary.as_mut_ptr());
    // SAFETY: the text and the handles are borrowed from arguments that outlive the call, and the out-pointers are
    // valid.
    call("einsum_path", || unsafe {
        mlx_sys::mlx_einsum_path(out_positions, out_sizes, out_summary, text, operands.span())
    })?;
    // SAFETY: the call succeeded, so it wrote all three, and each is taken over once.
    let (positions, sizes, summary) = unsafe {
        (
            taken_ints(positions.assume_init()),
            taken_ints(sizes.assume_init()),
            taken_text(summary.assume_init()),
        )
    };
    let mut rest = positions.into_iter();
    let steps = sizes.into_iter().map(|size| rest.by_ref().take(size).collect()).collect();
    Ok((steps, summary))
}

/// Copies a list made by the C API and frees it.
///
/// # Safety
/// `list` was written by a successful call, and nothing else owns it.
unsafe fn taken_ints(list: mlx_int_vector) -> Vec<usize> {
    // SAFETY: `data` points to `size` ints, and the list is freed once.
    unsafe {
        let ints = if list.size == 0 { &[] } else { std::slice::from_raw_parts(list.data, list.size) };
        let copy = ints.iter().map(|&i| usize::try_from(i).unwrap_or_default()).collect();
        mlx_sys::mlx_int_vector_free(list);
        copy
    }
}

/// Copies a text made by the C API and frees it.
///
/// # Safety
/// As for [`taken_ints`].
unsafe fn taken_text(text: mlx_owned_string) -> String {
    // SAFETY: `data` points to `size` bytes, and the text is freed once.
    unsafe {
        let bytes =
            if text.size == 0 { &[] } else { std::slice::from_raw_parts(text.data.cast::<u8>(), text.size) };
        let copy = String::from_utf8_lossy(bytes).into_owned();
        mlx_sys::mlx_owned_string_free(text);
        copy
    }
}
