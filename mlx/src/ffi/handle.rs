//! Ownership of one array handle of the C API.

use mlx_sys::mlx_array;
use std::{ffi::c_void, mem::MaybeUninit, ptr::NonNull};

/// One reference to a node of MLX's graph.
///
/// The handle is a C++ `shared_ptr` by value: two words, moved by copying bytes. The first word is the node's
/// address and never null, which lets `Array` stay two words wide.
#[repr(C)]
pub(crate) struct Handle {
    node: NonNull<c_void>,
    control: *mut c_void,
}

impl Handle {
    /// Takes over what the C API wrote to `out`, unless it is the null array.
    ///
    /// # Safety
    /// `out` was initialised by a successful call, and nothing else owns it.
    pub(super) unsafe fn from_out(out: MaybeUninit<mlx_array>) -> Option<Handle> {
        // SAFETY: initialised, as the caller promises.
        let raw = unsafe { out.assume_init() };
        Some(Handle { node: NonNull::new(raw.p[0])?, control: raw.p[1] })
    }

    /// The handle as the C API takes it: borrowed for the length of a call.
    pub(super) fn raw(&self) -> mlx_array {
        mlx_array { p: [self.node.as_ptr(), self.control] }
    }

    pub(crate) fn shape(&self) -> &[i32] {
        // SAFETY: the node keeps its shape at one address for its life, and `self` keeps the node alive. MLX gives
        // a null pointer or one to `ndim` extents.
        unsafe {
            let (extents, rank) = (mlx_sys::mlx_array_shape(self.raw()), mlx_sys::mlx_array_ndim(self.raw()));
            if rank == 0 || extents.is_null() { &[] } else { std::slice::from_raw_parts(extents, rank) }
        }
    }

    pub(crate) fn dtype(&self) -> i32 {
        // SAFETY: a live handle.
        unsafe { mlx_sys::mlx_array_dtype(self.raw()) as i32 }
    }

    /// Whether a transformation is recording what is computed from the array.
    pub(crate) fn is_tracer(&self) -> bool {
        // SAFETY: a live handle.
        unsafe { mlx_sys::mlx_array_is_tracer(self.raw()) }
    }

    pub(crate) fn size(&self) -> usize {
        // SAFETY: a live handle.
        unsafe { mlx_sys::mlx_array_size(self.raw()) }
    }
}

impl Clone for Handle {
    fn clone(&self) -> Handle {
        let mut out = MaybeUninit::uninit();
        // SAFETY: a live handle; the call writes a second reference to `out` and cannot fail for a live one.
        let copy = unsafe {
            mlx_sys::mlx_array_clone(out.as_mut_ptr(), self.raw());
            Handle::from_out(out)
        };
        copy.unwrap_or_else(|| unreachable!("a live array has a node"))
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle owns one reference and gives it up here, once.
        unsafe { mlx_sys::mlx_array_free(self.raw()) };
    }
}
