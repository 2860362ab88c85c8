//! Text in and out.

use super::stream::out;
use crate::Result;
use mlx_sys::{mlx_owned_string, mlx_string};
use std::ffi::{c_char, c_int};

/// Borrows `text`: valid while it is.
pub(super) fn borrowed(text: &str) -> mlx_string {
    mlx_string { data: text.as_ptr().cast(), size: text.len() }
}

/// A copy of the text at `data`, with replacements where it is not UTF-8.
///
/// # Safety
/// `data` is null or points to `size` bytes.
pub(super) unsafe fn copied(data: *const c_char, size: usize) -> String {
    if data.is_null() {
        return String::new();
    }
    // SAFETY: as the caller promises.
    let bytes = unsafe { std::slice::from_raw_parts(data.cast::<u8>(), size) };
    String::from_utf8_lossy(bytes).into_owned()
}

/// Runs a function of the C API that writes a text.
///
/// # Safety
/// `f` writes a text that becomes ours when it returns zero.
#[track_caller]
pub(super) unsafe fn owned(
    op: &'static str,
    f: impl FnOnce(*mut mlx_owned_string) -> c_int,
) -> Result<String> {
    // SAFETY: as the caller promises.
    let bytes = unsafe { owned_bytes(op, f) }?;
    Ok(String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
}

/// As [`owned`], where the text may be any bytes.
///
/// # Safety
/// As for [`owned`].
#[track_caller]
pub(super) unsafe fn owned_bytes(
    op: &'static str,
    f: impl FnOnce(*mut mlx_owned_string) -> c_int,
) -> Result<Vec<u8>> {
    let text = out(op, f)?;
    // SAFETY: the text is ours, read here and then freed once.
    unsafe {
        let copy = match text.size {
            0 => vec![],
            size => std::slice::from_raw_parts(text.data.cast::<u8>(), size).to_vec(),
        };
        mlx_sys::mlx_owned_string_free(text);
        Ok(copy)
    }
}
