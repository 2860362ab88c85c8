//! Kernels of the caller's: Rust code that MLX calls, and GPU code that MLX compiles.

mod append;
mod callback;
mod cpu_kernel;
mod gpu_kernel;
mod operation;
mod program;
mod replay;
mod rewrite;
mod view;

pub(crate) use append::{append_in_place, rows, write_vector};
pub(crate) use cpu_kernel::{InPlace, primitive_name, replace_cpu, replace_cpu_everywhere};
pub(crate) use gpu_kernel::{Definition, GpuKernel, LaunchArgs, call_precompiled, compile_cuda};
pub(crate) use operation::{operation, record};
pub(crate) use program::{Argument, Processors, Program, ProgramLaunch, ProgramParts};
pub(crate) use replay::Replay;
pub(crate) use rewrite::{is_result_of, parameters, rewrite_gpu_everywhere};
pub use view::{Layout, Strided, View, ViewMut};
