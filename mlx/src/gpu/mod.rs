//! Kernels in CUDA in the places of MLX's own, and of several of MLX's operations at once.
//!
//! Functions record MLX's operations, and transforms see no others. As a graph is about to be computed, patterns in it are
//! rewritten: a product that is all of its time spent on reading a quantized matrix takes the norm before it and the sum
//! behind it along.

mod argmax;
mod attention;
mod compiled;
mod decode;
mod prepared;
mod product;
mod product_kernel;
mod replay;

pub(crate) use decode::append_and_attend;
pub use replay::{Places, Replay};

use crate::{
    Device, Dtype, Property, Result, cuda,
    ffi::{kernels::Processors, stream},
};
use std::sync::LazyLock;

/// Whether the kernels may be used at all.
fn enabled() -> bool {
    static ENABLED: LazyLock<bool> =
        LazyLock::new(|| std::env::var_os("MLX_RS_GPU_KERNELS").is_none_or(|value| value != "0"));
    *ENABLED
}

/// Puts the kernels in their places.
pub(crate) fn install() {
    if enabled() && can_run().unwrap_or(false) {
        // Without one of them, MLX computes.
        let _ = product::install().and(attention::install()).and(argmax::install());
    }
}

/// Whether operations that are recorded now may be those of the kernels.
fn is_in_use() -> Result<bool> {
    static CAN_RUN: LazyLock<bool> = LazyLock::new(|| enabled() && can_run().unwrap_or(false));
    Ok(stream::current("stream")?.device.type_ == mlx_sys::MLX_GPU && *CAN_RUN)
}

/// Whether there is a GPU that knows bfloat16: one of the generation of the A100 or newer.
fn can_run() -> Result<bool> {
    if !cuda::is_available()? || !Device::Gpu.is_available()? {
        return Ok(false);
    }
    let generation = Device::Gpu.info(0)?.remove("compute_capability_major");
    Ok(matches!(generation, Some(Property::Number(major)) if major >= 8))
}

/// What the kernels call a type of elements that they know.
fn element(dtype: Dtype) -> Option<&'static str> {
    match dtype {
        Dtype::F32 => Some("float"),
        Dtype::F16 => Some("f16"),
        Dtype::Bf16 => Some("bf16"),
        _ => None,
    }
}

/// The processors of the GPU.
fn processors() -> Result<Processors> {
    static PROCESSORS: LazyLock<Result<Processors>> = LazyLock::new(Processors::of_cuda);
    PROCESSORS.clone()
}
