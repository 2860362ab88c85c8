//! Turns status codes and out-parameters of the C API into results.

use super::Handle;
use crate::{Array, Error, ErrorKind, Result};
use mlx_sys::{mlx_array, mlx_array_vector};
use std::{
    cell::Cell,
    ffi::c_int,
    mem::MaybeUninit,
    sync::{Once, OnceLock},
};

/// Runs one function of the C API and turns its status into a result.
#[track_caller]
pub(crate) fn call(op: &'static str, f: impl FnOnce() -> c_int) -> Result<()> {
    check_version(op)?;
    install_kernels();
    match f() {
        0 => Ok(()),
        mlx_sys::MLX_CALLBACK => Err(super::closure::take_failure(op, || message(op))),
        code => Err(Error::new(kind(code), op, message(op))),
    }
}

/// Puts the kernels of this crate in their places, before anything else is called: of several kernels for one kind of
/// operation the last counts, and that is to be the user's.
fn install_kernels() {
    static INSTALLED: Once = Once::new();
    thread_local! {
        static INSTALLING: Cell<bool> = const { Cell::new(false) };
    }
    // To be installed takes calls.
    if INSTALLED.is_completed() || INSTALLING.get() {
        return;
    }
    INSTALLING.set(true);
    INSTALLED.call_once(|| {
        crate::cpu::install();
        crate::gpu::install();
    });
    INSTALLING.set(false);
}

/// Like [`call`] for a function that writes one array.
#[track_caller]
pub(super) fn call_for_array(op: &'static str, f: impl FnOnce(*mut mlx_array) -> c_int) -> Result<Array> {
    let mut out = MaybeUninit::uninit();
    call(op, || f(out.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote an array that is ours.
    let handle = unsafe { Handle::from_out(out) };
    handle.map(Array::from_handle).ok_or_else(|| Error::new(ErrorKind::Backend, op, "MLX returned no array"))
}

/// Like [`call`] for a function that writes two arrays.
#[track_caller]
pub(super) fn call_for_two_arrays(
    op: &'static str,
    f: impl FnOnce(*mut mlx_array, *mut mlx_array) -> c_int,
) -> Result<(Array, Array)> {
    let mut second = MaybeUninit::uninit();
    let first = call_for_array(op, |first| f(first, second.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote both.
    let second = unsafe { Handle::from_out(second) };
    let second = second.ok_or_else(|| Error::new(ErrorKind::Backend, op, "MLX returned no array"))?;
    Ok((first, Array::from_handle(second)))
}

/// A list of arrays made by MLX; freed on drop.
pub(crate) struct Outputs(mlx_array_vector);

impl Outputs {
    /// Like [`call`] for a function that writes a list of arrays.
    #[track_caller]
    pub(super) fn of(op: &'static str, f: impl FnOnce(*mut mlx_array_vector) -> c_int) -> Result<Vec<Array>> {
        let mut out = MaybeUninit::uninit();
        call(op, || f(out.as_mut_ptr()))?;
        // SAFETY: the call succeeded, so it wrote a list that is ours.
        let list = Outputs(unsafe { out.assume_init() });
        // SAFETY: a live list.
        let size = unsafe { mlx_sys::mlx_array_vector_size(list.0) };
        // SAFETY: `i` is below the list's size, and each array is taken once.
        let take = |i| call_for_array(op, |out| unsafe { mlx_sys::mlx_array_vector_take(out, list.0, i) });
        (0..size).map(take).collect()
    }
}

impl Drop for Outputs {
    fn drop(&mut self) {
        // SAFETY: the list is ours and freed once.
        unsafe { mlx_sys::mlx_array_vector_free(self.0) };
    }
}

static CHECK: OnceLock<Result<(), String>> = OnceLock::new();

/// Headers and library of different releases disagree silently, so the first call compares them.
#[track_caller]
fn check_version(op: &'static str) -> Result<()> {
    let check = CHECK.get_or_init(|| compare_versions(op));
    check.as_ref().map_err(|text| Error::new(ErrorKind::Backend, op, text.clone())).copied()
}

fn compare_versions(op: &str) -> Result<(), String> {
    // SAFETY: takes nothing and may be called at any time.
    let code = unsafe { mlx_sys::mlx_capi_check_version() };
    if code == 0 { Ok(()) } else { Err(message(op)) }
}

/// Runs `f`, for what must come before any other call of any thread: that waits until `f` has returned. Gives
/// `None`, without running `f`, when there was one.
#[track_caller]
pub(super) fn call_first(op: &'static str, f: impl FnOnce() -> c_int) -> Option<Result<()>> {
    let mut outcome = None;
    CHECK.get_or_init(|| {
        let code = f();
        outcome = Some((code, if code == 0 { String::new() } else { message(op) }));
        compare_versions(op)
    });
    Some(match outcome? {
        (0, _) => check_version(op),
        (code, text) => Err(Error::new(kind(code), op, text)),
    })
}

fn kind(code: c_int) -> ErrorKind {
    match code {
        mlx_sys::MLX_INVALID_ARGUMENT | mlx_sys::MLX_OUT_OF_RANGE => ErrorKind::InvalidArgument,
        mlx_sys::MLX_BAD_ALLOC => ErrorKind::OutOfMemory,
        mlx_sys::MLX_IO => ErrorKind::Io,
        _ => ErrorKind::Backend,
    }
}

/// MLX's text for the call that failed last on this thread, without the `[op]` it starts with.
fn message(op: &str) -> String {
    let (mut data, mut size) = (std::ptr::null(), 0);
    // SAFETY: both out-pointers are valid; the text lives until this thread's next call of the C API.
    let bytes = unsafe {
        mlx_sys::mlx_error_message(&mut data, &mut size);
        if data.is_null() { &[] } else { std::slice::from_raw_parts(data.cast::<u8>(), size) }
    };
    let text = String::from_utf8_lossy(bytes);
    let text = text.strip_prefix(&format!("[{op}] ")).unwrap_or(&text);
    without_source_path(text).to_owned()
}

/// Cuts a trailing ` at /build/path/ops.cpp:31`: nobody can act on it.
fn without_source_path(text: &str) -> &str {
    match text.rsplit_once(" at ") {
        Some((head, place)) if !place.contains(' ') && place.contains(".cpp:") => head,
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::without_source_path;

    #[test]
    fn source_paths_are_cut_and_nothing_else() {
        for (text, expected) in [
            ("Shapes differ. at /tmp/mlx/ops.cpp:31", "Shapes differ."),
            ("Index 3 at axis 2", "Index 3 at axis 2"),
            ("plain", "plain"),
        ] {
            assert_eq!(without_source_path(text), expected);
        }
    }
}
