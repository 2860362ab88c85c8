//! The C API of `capi/include/mlx_capi.h` over Apple's MLX, as Rust declarations.
//!
//! Everything here is unsafe and none of it is meant for programs: the `mlx` crate is the safe interface.
//! What each function needs and does stands in the C headers, whose comments are repeated here. In short:
//!
//! * A function that returns `int` returns [`MLX_OK`] or the kind of failure; [`mlx_error_message`] then has
//!   the text, and no result has been written. No function throws or ends the process.
//! * An [`mlx_array`] is one counted reference, 16 bytes, moved by copying them. As an argument it is
//!   borrowed; as a result it is owned by the caller, who releases it with [`mlx_array_free`].
//! * Operations build a graph, which [`mlx_eval`] computes, each operation on the stream it was given. A
//!   graph belongs to one thread at a time.
//!
//! ```
//! use mlx_sys::*;
//! use std::mem::MaybeUninit;
//!
//! /// The result of a call that writes it through a pointer.
//! fn result<T>(call: impl FnOnce(*mut T) -> i32) -> T {
//!     let mut out = MaybeUninit::uninit();
//!     assert_eq!(call(out.as_mut_ptr()), MLX_OK);
//!     // SAFETY: a call that returns MLX_OK has written its result.
//!     unsafe { out.assume_init() }
//! }
//!
//! // SAFETY: every handle passed is alive, and each is freed once.
//! unsafe {
//!     let device = result(|out| mlx_default_device(out));
//!     let stream = result(|out| mlx_default_stream(out, device));
//!     let two = result(|out| mlx_array_new_float(out, 2.0, MLX_FLOAT32));
//!     let root = result(|out| mlx_sqrt(out, two, stream));
//!     assert_eq!(mlx_eval(mlx_arrays { data: &root, size: 1 }), MLX_OK);
//!     let data = result(|out| mlx_array_data(out, root));
//!     assert_eq!(data.cast::<f32>().read_unaligned(), 2f32.sqrt());
//!     mlx_array_free(root);
//!     mlx_array_free(two);
//! }
//! ```
//!
//! # Where MLX comes from
//!
//! The build takes MLX from the folder `MLX_DIR`, else from Apple's own release on PyPI, which Python's pip
//! fetches once into a per-user cache. `MLX_BACKEND` picks `metal`, `cpu`, `cuda12` or `cuda13`. It then
//! compiles the C API with the system's C++20 compiler, also once. Programs find both libraries by
//! themselves: no `LD_LIBRARY_PATH`, no build script. `build/main.rs` lists all settings.

#[allow(
    missing_docs,
    reason = "the C headers leave constants and fields that explain themselves without a comment"
)]
#[allow(non_camel_case_types, non_upper_case_globals, reason = "names are those of the C API")]
mod bindings;

pub use bindings::*;
