//! Code of the caller's that MLX calls while it evaluates, on any thread: its errors and panics become text that MLX
//! carries to the thread that waits, and never unwind into C++.

use crate::Result;
use mlx_sys::mlx_string;
use std::{
    any::Any,
    ffi::{c_int, c_void},
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

/// Runs a callback and gives its status: what `f` gives, or -1 after the failure was reported in the name of the
/// kernel.
pub(super) fn run(name: impl FnOnce() -> String, f: impl FnOnce() -> Result<c_int>) -> c_int {
    let why = match caught(f) {
        Ok(Ok(status)) => return status,
        Ok(Err(error)) => error.message().to_owned(),
        Err(panic) => format!("panicked: {panic}"),
    };
    let text = format!("{}: {why}", caught(name).unwrap_or_default());
    let text = mlx_string { data: text.as_ptr().cast(), size: text.len() };
    // SAFETY: the text is copied during the call.
    unsafe { mlx_sys::mlx_callback_failed(text) };
    -1
}

/// Runs `f`; a panic gives its text.
fn caught<T>(f: impl FnOnce() -> T) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(f)).map_err(|payload| {
        let text = panic_text(payload.as_ref());
        // The payload is the caller's too and may panic as it is dropped; what that gives may do so again.
        if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
            std::mem::forget(second);
        }
        text
    })
}

fn panic_text(payload: &(dyn Any + Send)) -> String {
    let text = payload.downcast_ref::<&str>().copied();
    let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    text.unwrap_or("a value that is not text").to_owned()
}

/// The context of callbacks: one reference to `object`, which [`release`] gives back.
pub(super) fn context<T>(object: &Arc<T>) -> *mut c_void {
    Arc::into_raw(object.clone()).cast_mut().cast()
}

/// # Safety
/// `context` came from [`context`], its reference has not been released, and no other call gives it back.
pub(super) unsafe extern "C" fn release<T>(context: *mut c_void) {
    // SAFETY: as the caller promises.
    let object = unsafe { Arc::from_raw(context.cast_const().cast::<T>()) };
    // There is nobody to tell of a panic in its destructor but the panic hook, which was told.
    let _ = caught(|| drop(object));
}
