//! The kernels of `mlx-cpu` in the places of MLX's own, through the door that is open to everyone:
//! [`kernels`](crate::kernels).
//!
//! Operations that MLX has as primitives are [replaced everywhere](crate::kernels::replace_cpu_everywhere) (the table
//! [`install`]). What MLX puts together from many small ones on a CPU (norms, rope, attention) is recorded as one
//! [`Fused`](fused::Fused) operation that knows the composition for transforms.

mod attention;
mod decode;
mod elementwise;
mod fused;
mod matmul;
mod norm;
mod quantized;
mod rope;
mod softmax;
mod swiglu;
mod together;
mod views;

pub(crate) use attention::attention;
pub(crate) use decode::append_and_attend;
pub(crate) use norm::{layer_norm, rms_norm};
pub(crate) use quantized::quantized_matmul;
pub(crate) use rope::rope;
pub(crate) use swiglu::swiglu;
pub(crate) use together::{added, products};

use crate::{Result, ffi::stream};
use std::{cell::Cell, sync::LazyLock};

/// Whether the kernels may be used at all. On macOS MLX has Accelerate.
pub(crate) fn enabled() -> bool {
    static ENABLED: LazyLock<bool> = LazyLock::new(|| {
        let wanted = std::env::var_os("MLX_RS_CPU_KERNELS").is_none_or(|value| value != "0");
        wanted && mlx_cpu::OPTIMIZED && !cfg!(target_os = "macos")
    });
    *ENABLED
}

/// Whether the CPU is what this process computes on. Beside a GPU its operations are few, and stay MLX's.
pub(crate) fn is_default_device() -> bool {
    stream::default_device("cpu").is_ok_and(|device| device.type_ == mlx_sys::MLX_CPU)
}

/// Whether operations that are recorded now may be fused ones.
fn fuses() -> Result<bool> {
    Ok(enabled()
        && !COMPOSED.get()
        && is_default_device()
        && stream::current("stream")?.device.type_ == mlx_sys::MLX_CPU)
}

thread_local! {
    /// Set while what is recorded must consist of MLX's own operations.
    static COMPOSED: Cell<bool> = const { Cell::new(false) };
}

/// Runs `f`, in which nothing is fused: for files that other programs read.
pub(crate) fn composed<T>(f: impl FnOnce() -> T) -> T {
    struct Restore(bool);
    impl Drop for Restore {
        fn drop(&mut self) {
            COMPOSED.set(self.0);
        }
    }
    let _restore = Restore(COMPOSED.replace(true));
    f()
}

/// Puts the kernels in their places.
pub(crate) fn install() {
    if enabled() {
        // Without one of them, MLX computes.
        let _ =
            matmul::install().and(quantized::install()).and(softmax::install()).and(elementwise::install());
    }
}
