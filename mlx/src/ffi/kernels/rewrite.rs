//! Operations that are about to be computed on a GPU, and are computed by others.

use super::callback::{context, release, run};
use crate::{
    Array, Result,
    ffi::{Handle, args::Arg, call},
    stream::Scope,
};
use mlx_sys::{mlx_array, mlx_rewrite, mlx_stream, mlx_string};
use std::{
    ffi::{c_int, c_void},
    mem::{ManuallyDrop, MaybeUninit},
    sync::Arc,
};

/// Has each operation called `primitive` that is computed on a GPU from now on rewritten as what `rewrite` records for it
/// on the operation's stream, which is then the current one, unless that is `None`.
///
/// Called in the middle of an evaluation, it must not evaluate anything.
#[track_caller]
pub(crate) fn rewrite_gpu_everywhere<F>(op: &'static str, primitive: &str, rewrite: F) -> Result<()>
where
    F: Fn(&Array) -> Result<Option<Array>> + Send + Sync + 'static,
{
    let (rewrite, primitive) = (Arc::new(rewrite), primitive.to_c()?);
    call(op, || {
        let table = mlx_rewrite {
            ctx: context(&rewrite),
            primitive,
            rewrite: Some(call_rewrite::<F>),
            drop: Some(release::<F>),
        };
        // SAFETY: a name borrowed for the call; a context that is a reference to an `F`, which any thread may use and drop,
        // with the functions for an `F`.
        unsafe { mlx_sys::mlx_rewrite_gpu_everywhere(table) }
    })
}

/// # Safety
/// Called by MLX as `mlx_rewrite` says: with a context that is an `F`, a live array, and a valid out-pointer.
unsafe extern "C" fn call_rewrite<F>(
    context: *mut c_void,
    array: mlx_array,
    stream: mlx_stream,
    out: *mut mlx_array,
) -> c_int
where
    F: Fn(&Array) -> Result<Option<Array>>,
{
    run(
        || "rewrite".to_owned(),
        || {
            // SAFETY: see above; the handle is borrowed, and so never dropped here.
            let (rewrite, handle) =
                unsafe { (&*context.cast::<F>(), Handle::from_out(MaybeUninit::new(array))) };
            let Some(handle) = handle else { return Ok(0) };
            let array = ManuallyDrop::new(Array::from_handle(handle));
            let _scope = Scope::enter(stream);
            let Some(other) = rewrite(&array)? else { return Ok(0) };
            let handle = ManuallyDrop::new(other.handle()?.clone());
            // SAFETY: see above; the reference becomes MLX's.
            unsafe { out.write(handle.raw()) };
            Ok(1)
        },
    )
}

/// Whether `array` is yet to be computed by the operation called `name`.
pub(crate) fn is_result_of(array: &Array, name: &str) -> bool {
    let Ok(handle) = array.handle() else { return false };
    let mut text = mlx_string { data: std::ptr::null(), size: 0 };
    // SAFETY: a live handle and a valid out-pointer.
    let named = unsafe {
        mlx_sys::mlx_array_has_primitive(handle.raw())
            && mlx_sys::mlx_array_primitive_name(&mut text, handle.raw()) == 0
    };
    // SAFETY: the name lives as long as the operation, which the array holds.
    named && unsafe { std::slice::from_raw_parts(text.data.cast::<u8>(), text.size) } == name.as_bytes()
}

/// The parameters of the operation that gives `array`: see `mlx_array_parameters`. Those behind the first `N` are left out.
#[track_caller]
pub(crate) fn parameters<const N: usize>(array: &Array) -> Result<([f64; N], usize)> {
    let (mut numbers, mut count) = ([0.0; N], 0);
    let handle = array.handle()?.raw();
    // SAFETY: a live handle, and out-pointers of which the first has room for `N` numbers.
    call("parameters", || unsafe {
        mlx_sys::mlx_array_parameters(numbers.as_mut_ptr(), N, &mut count, handle)
    })?;
    Ok((numbers, count))
}
