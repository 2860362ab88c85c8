//! Rust functions as callbacks of the C API, and their failures on the way back.
//!
//! A callback that fails parks its error, or what it panicked with, and tells MLX that it failed. MLX unwinds with an
//! exception, the outer call returns `MLX_CALLBACK`, and [`call`](super::call) takes the failure up again: the caller
//! gets the very error, or the very panic.

use super::{Handle, args::ArrayList, call};
use crate::{Array, Error, ErrorKind, Result};
use mlx_sys::{mlx_array, mlx_array_vector, mlx_arrays, mlx_closure, mlx_int_vector, mlx_ints};
use std::{
    any::Any,
    cell::{Cell, RefCell},
    ffi::{c_int, c_void},
    mem::MaybeUninit,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    rc::Rc,
    thread::{self, ThreadId},
};

/// A function from arrays to arrays.
pub(crate) type Fun<'f> = dyn Fn(Vec<Array>) -> Result<Vec<Array>> + 'f;

enum Failure {
    Error(Error),
    Panic(Box<dyn Any + Send>),
}

thread_local! {
    static PARKED: RefCell<Option<Failure>> = const { RefCell::new(None) };
}

/// Runs the body of a callback; nothing unwinds out of it.
pub(super) fn guard(body: impl FnOnce() -> Result<()>) -> c_int {
    let failure = match catch_unwind(AssertUnwindSafe(body)) {
        Ok(Ok(())) => return 0,
        Ok(Err(error)) => Failure::Error(error),
        Err(panic) => Failure::Panic(panic),
    };
    // While the thread's variables are torn down nobody is left to take the failure up.
    let _ = PARKED.try_with(|parked| parked.replace(Some(failure)));
    1
}

/// What the callback that failed last on this thread returned; resumes its panic. A callback that failed on another
/// thread left a `message`.
#[track_caller]
pub(super) fn take_failure(op: &'static str, message: impl FnOnce() -> String) -> Error {
    match PARKED.with(RefCell::take) {
        Some(Failure::Error(error)) => error,
        Some(Failure::Panic(panic)) => resume_unwind(panic),
        None => Error::new(ErrorKind::Callback, op, message()),
    }
}

/// Own references to borrowed arrays.
///
/// # Safety
/// The list is what MLX gave to a callback: live handles.
pub(super) unsafe fn cloned(list: mlx_arrays) -> Vec<Array> {
    let clone = |i| {
        let mut out = MaybeUninit::uninit();
        // SAFETY: `i` is below the size and the handle is live; cloning a live one cannot fail.
        let handle = unsafe {
            mlx_sys::mlx_array_clone(out.as_mut_ptr(), *list.data.add(i));
            Handle::from_out(out)
        };
        handle.map(Array::from_handle)
    };
    (0..list.size).filter_map(clone).collect()
}

/// The integers MLX gave to a callback.
///
/// # Safety
/// As [`cloned`].
pub(super) unsafe fn ints<'a>(list: mlx_ints) -> &'a [i32] {
    // SAFETY: MLX gave `size` integers; an empty list may have no address.
    if list.size == 0 { &[] } else { unsafe { std::slice::from_raw_parts(list.data, list.size) } }
}

/// Gives the arrays a callback returns to MLX.
///
/// # Safety
/// `out` is the out-pointer MLX gave to the callback.
pub(super) unsafe fn give(arrays: &[Array], out: *mut mlx_array_vector) -> Result<()> {
    let list = ArrayList::of(arrays)?;
    // SAFETY: the handles live until the end of this function, `out` is valid.
    call("callback", || unsafe { mlx_sys::mlx_array_vector_new_from(out, list.span()) })
}

/// Like [`give`], for integers.
///
/// # Safety
/// As [`give`].
pub(super) unsafe fn give_ints(values: &[i32], out: *mut mlx_int_vector) -> Result<()> {
    let list = mlx_ints { data: values.as_ptr(), size: values.len() };
    // SAFETY: as in `give`.
    call("callback", || unsafe { mlx_sys::mlx_int_vector_new_from(out, list) })
}

/// `f` for a call during which, and only during which, MLX calls it.
pub(super) fn borrowed(f: &&Fun<'_>) -> mlx_closure {
    mlx_closure { ctx: std::ptr::from_ref(f).cast_mut().cast(), call: Some(call_borrowed), drop: None }
}

unsafe extern "C" fn call_borrowed(
    ctx: *mut c_void,
    inputs: mlx_arrays,
    out: *mut mlx_array_vector,
) -> c_int {
    guard(|| {
        // SAFETY: `ctx` is the reference given to `borrowed`, which outlives the outer call; the rest is MLX's.
        unsafe {
            let f = *ctx.cast::<&Fun<'_>>();
            give(&f(cloned(inputs))?, out)
        }
    })
}

/// State that MLX keeps for a callback, used and dropped on the thread that made it only.
pub(super) struct Kept<F: ?Sized> {
    thread: ThreadId,
    pub(super) f: Box<F>,
}

impl<F: ?Sized> Kept<F> {
    /// Moves `f` to where a `ctx` points.
    pub(super) fn into_ctx(f: Box<F>) -> *mut c_void {
        Box::into_raw(Box::new(Kept { thread: thread::current().id(), f })).cast()
    }

    /// # Safety
    /// `ctx` came from `into_ctx` of the same `F` and was not dropped.
    pub(super) unsafe fn of<'a>(ctx: *mut c_void) -> Result<&'a Kept<F>> {
        // SAFETY: as the caller promises.
        let kept = unsafe { &*ctx.cast::<Kept<F>>() };
        if kept.thread != thread::current().id() {
            return Err(Error::new(
                ErrorKind::Callback,
                "callback",
                "the function belongs to another thread",
            ));
        }
        Ok(kept)
    }

    /// The `drop` of a closure. What another thread drops is leaked: it may hold that thread's arrays.
    ///
    /// # Safety
    /// As [`Kept::of`]; `ctx` is not used again.
    pub(super) unsafe extern "C" fn drop(ctx: *mut c_void) {
        let drop = || {
            // SAFETY: as the caller promises.
            let kept = unsafe { Box::from_raw(ctx.cast::<Kept<F>>()) };
            if kept.thread != thread::current().id() {
                std::mem::forget(kept);
            }
        };
        // A destructor that panics has told the panic hook; C++ must not see it.
        let _ = catch_unwind(AssertUnwindSafe(drop));
    }
}

/// `f` as a closure that MLX may keep.
pub(super) fn kept(f: Box<Fun<'static>>) -> mlx_closure {
    mlx_closure { ctx: Kept::into_ctx(f), call: Some(call_kept), drop: Some(Kept::<Fun<'static>>::drop) }
}

unsafe extern "C" fn call_kept(ctx: *mut c_void, inputs: mlx_arrays, out: *mut mlx_array_vector) -> c_int {
    guard(|| {
        // SAFETY: `ctx` came from `kept`; the rest is MLX's.
        unsafe {
            let kept = Kept::<Fun<'static>>::of(ctx)?;
            give(&(kept.f)(cloned(inputs))?, out)
        }
    })
}

/// A closure that MLX keeps and that forwards to whatever is installed while it is called.
#[derive(Clone, Default)]
pub(super) struct Forwarder(Rc<Cell<Option<*const &'static Fun<'static>>>>);

impl Forwarder {
    pub(super) fn closure(&self) -> mlx_closure {
        let target = self.clone();
        kept(Box::new(move |inputs| match target.0.get() {
            // SAFETY: `install` keeps the target in place for as long as the pointer is here.
            Some(f) => unsafe { (*f)(inputs) },
            None => Err(Error::new(ErrorKind::Callback, "compile", "the function was called out of turn")),
        }))
    }

    /// Runs `body` with `f` installed; fails if one is installed already.
    #[track_caller]
    pub(super) fn install<R>(&self, f: &Fun<'_>, body: impl FnOnce() -> R) -> Result<R> {
        struct Uninstall<'a>(&'a Forwarder);
        impl Drop for Uninstall<'_> {
            fn drop(&mut self) {
                self.0.0.set(None);
            }
        }
        if self.0.get().is_some() {
            return Err(Error::invalid("compile", "a compiled function was called from within itself"));
        }
        // The pointer is taken out again before `f` ends, so its lifetime does not matter.
        let target: *const &Fun<'_> = &f;
        self.0.set(Some(target.cast()));
        let _uninstall = Uninstall(self);
        Ok(body())
    }
}

/// Checks that the C API's handle is what this crate takes it for.
const _: () = assert!(size_of::<mlx_array>() == size_of::<Handle>());
