//! Kernels in CUDA in the places of MLX's own, and of several of MLX's operations at once.
//!
//! Functions record MLX's operations, and transforms see no others. As a graph is about to be computed, patterns in it are
//! rewritten: a product that is all of its time spent on reading a quantized matrix takes the norm before it and the sum
//! behind it along.

mod product;

use crate::{Device, Result, cuda};
use std::sync::{
    LazyLock,
    atomic::{AtomicBool, Ordering},
};

/// Whether the kernels may be used at all.
fn enabled() -> bool {
    static ENABLED: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os("MLX_RS_GPU_KERNELS").is_none_or(|value| value != "0"));
    *ENABLED
}

/// Puts the kernels in their places, once.
pub(crate) fn install() {
    static INSTALLED: AtomicBool = AtomicBool::new(false);
    if INSTALLED.load(Ordering::Relaxed) || INSTALLED.swap(true, Ordering::Relaxed) || !enabled() {
        return;
    }
    let has_gpu = || -> Result<bool> { Ok(cuda::is_available()? && Device::Gpu.is_available()?) };
    if has_gpu().unwrap_or(false) {
        // Without one of them, MLX computes.
        let _ = product::install();
    }
}
