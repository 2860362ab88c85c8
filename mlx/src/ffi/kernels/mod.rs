//! Kernels of the caller's: Rust code that MLX calls, and GPU code that MLX compiles.

mod callback;
mod cpu_kernel;
mod gpu_kernel;
mod operation;
mod view;

pub(crate) use cpu_kernel::{InPlace, primitive_name, replace_cpu};
pub(crate) use gpu_kernel::{Definition, GpuKernel, LaunchArgs, call_precompiled};
pub(crate) use operation::record;
pub use view::{Layout, Strided, View, ViewMut};
