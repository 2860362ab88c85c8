//! Arrays as text.

use super::call;
use crate::{Array, Result};
use std::{
    ffi::c_int,
    mem::MaybeUninit,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// The number of decimals that arrays are printed with. MLX keeps it in a global without a lock: whoever prints or
/// changes it holds this one.
static DECIMALS: Mutex<c_int> = Mutex::new(-1);

fn lock() -> MutexGuard<'static, c_int> {
    DECIMALS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Sets the number of decimals for the whole process; `None` for MLX's own choice.
pub(crate) fn set_decimals(decimals: Option<c_int>) -> Result<()> {
    let mut usual = lock();
    *usual = decimals.unwrap_or(-1);
    tell_mlx(*usual)
}

/// Evaluates the array and prints it, with the usual number of decimals or the one given.
pub(crate) fn text(array: &Array, decimals: Option<c_int>) -> Result<String> {
    // Before the lock is taken: what is computed may print, too.
    super::eval(&[array])?;
    let usual = lock();
    let Some(decimals) = decimals else { return usual_text(array) };
    tell_mlx(decimals)?;
    let text = usual_text(array);
    tell_mlx(*usual)?;
    text
}

fn tell_mlx(decimals: c_int) -> Result<()> {
    // SAFETY: sets a number of MLX's, which nobody reads or writes without the lock that the caller holds.
    call("set_printoptions", || unsafe { mlx_sys::mlx_set_printoptions(decimals) })
}

fn usual_text(array: &Array) -> Result<String> {
    let handle = array.handle()?;
    let mut out = MaybeUninit::uninit();
    // SAFETY: a live handle; the call writes `out` when it succeeds.
    call("print", || unsafe { mlx_sys::mlx_array_to_string(out.as_mut_ptr(), handle.raw()) })?;
    // SAFETY: the call succeeded, so `out` holds `size` bytes at `data`, which are ours and freed here, once.
    unsafe {
        let text = out.assume_init();
        let bytes = std::slice::from_raw_parts(text.data.cast::<u8>(), text.size);
        let copy = String::from_utf8_lossy(bytes).into_owned();
        mlx_sys::mlx_owned_string_free(text);
        Ok(copy)
    }
}
