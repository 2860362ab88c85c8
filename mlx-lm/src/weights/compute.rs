//! The dtype in which a model computes.

use crate::Result;
use mlx::{Array, Device, Dtype, kernels::cpu_kernels_enabled};

/// The dtype for weights stored in half precision; `None` keeps theirs.
///
/// MLX's half precision on x86-64 processors is software, some 40 times slower than `f32`; the CPU kernels of `mlx` have
/// no such difference.
pub(super) fn dtype() -> Result<Option<Dtype>> {
    let software_halves = cfg!(target_arch = "x86_64") && Device::default_device()? == Device::Cpu;
    Ok((software_halves && !cpu_kernels_enabled()).then_some(Dtype::F32))
}

/// `array` in `dtype` if it is half precision: a scale, a bias, a norm or a dense weight. Packed weights and the
/// one-byte scales of the floating-point modes are integers and stay.
pub(super) fn cast(array: Array, dtype: Option<Dtype>) -> Result<Array> {
    match (dtype, array.dtype()?) {
        (Some(dtype), Dtype::F16 | Dtype::Bf16) => Ok(array.astype(dtype)?),
        _ => Ok(array),
    }
}
