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

#[cfg(test)]
mod tests {
    use crate::{Array, ffi::ArrayList, ffi::Handle};
    use mlx_sys::{mlx_array_vector, mlx_arrays, mlx_closure, mlx_ints};
    use std::{
        ffi::{c_int, c_void},
        mem::MaybeUninit,
    };

    /// The identity, which prints its input into the `String` at `ctx`.
    unsafe extern "C" fn print(ctx: *mut c_void, inputs: mlx_arrays, out: *mut mlx_array_vector) -> c_int {
        let mut clone = MaybeUninit::uninit();
        // SAFETY: `ctx` is the test's `String`, there is one input, and both out-pointers are valid.
        unsafe {
            mlx_sys::mlx_array_clone(clone.as_mut_ptr(), *inputs.data);
            let input = Handle::from_out(clone).map(Array::from_handle);
            *ctx.cast::<String>() = format!("{:?}", input);
            mlx_sys::mlx_array_vector_new_from(out, inputs)
        }
    }

    #[test]
    fn a_traced_array_is_not_evaluated() -> crate::Result<()> {
        let x = Array::from_slice(&[1, 2, 3, 4], &[2, 2]);
        let arguments = ArrayList::of([&x])?;
        let mut text = String::new();
        let f = mlx_closure { ctx: (&raw mut text).cast(), call: Some(print), drop: None };
        let every_axis_0 = mlx_ints { data: std::ptr::null(), size: 0 };
        let mut out = MaybeUninit::uninit();
        // SAFETY: `f` and its context live until the call returns, which writes `out` when it succeeds; it is freed
        // once.
        super::call("vmap", || unsafe {
            mlx_sys::mlx_vmap(out.as_mut_ptr(), f, arguments.span(), every_axis_0, every_axis_0)
        })?;
        // SAFETY: as above.
        unsafe { mlx_sys::mlx_array_vector_free(out.assume_init()) };
        assert_eq!(text, "Some(array(traced, shape=[2], dtype=int32))");
        Ok(())
    }
}
