//! Kernels that MLX compiles for a GPU.

use super::operation::specs;
use crate::{
    Array, Result,
    ffi::{ArrayList, args::Arg, call::Outputs, call::call, stream, text},
    kernels::{CudaOptions, MetalOptions, Scalar, Spec, TemplateArg},
};
use mlx_sys::{mlx_int3, mlx_kernel, mlx_launch, mlx_optional_float, mlx_scalar_arg, mlx_specs, mlx_string};
use mlx_sys::{mlx_strings, mlx_template_arg};
use std::mem::MaybeUninit;

/// A kernel's name, the names of its inputs and outputs, and its body.
pub(crate) struct Definition<'a> {
    pub(crate) name: &'a str,
    pub(crate) inputs: &'a [&'a str],
    pub(crate) outputs: &'a [&'a str],
    pub(crate) source: &'a str,
}

/// How a kernel is launched; the counts of threads are positive.
pub(crate) struct LaunchArgs<'a> {
    pub(crate) outputs: &'a [Spec],
    pub(crate) grid: [i32; 3],
    pub(crate) group: [i32; 3],
    pub(crate) init: Option<f32>,
}

impl LaunchArgs<'_> {
    /// The launch as the C API takes it, with `outputs` from [`specs`].
    fn to_c(&self, outputs: &[mlx_sys::mlx_spec]) -> mlx_launch {
        mlx_launch {
            outputs: mlx_specs { data: outputs.as_ptr(), size: outputs.len() },
            grid: mlx_int3 { v: self.grid },
            threadgroup: mlx_int3 { v: self.group },
            init_value: mlx_optional_float {
                value: self.init.unwrap_or_default(),
                has_value: self.init.is_some(),
            },
        }
    }
}

/// A kernel of MLX; released on drop.
pub(crate) struct GpuKernel(mlx_kernel);

impl Drop for GpuKernel {
    fn drop(&mut self) {
        // SAFETY: the kernel is ours and released once.
        unsafe { mlx_sys::mlx_kernel_free(self.0) };
    }
}

impl GpuKernel {
    #[track_caller]
    pub(crate) fn metal(definition: &Definition<'_>, options: MetalOptions<'_>) -> Result<GpuKernel> {
        let (row_contiguous, atomic) = (options.row_contiguous, options.atomic_outputs);
        let (header, math) = (options.header.to_c()?, options.math as mlx_sys::mlx_math_mode);
        // SAFETY: see `make`.
        GpuKernel::make("metal_kernel", definition, |out, [name, source], [inputs, outputs]| unsafe {
            mlx_sys::mlx_fast_metal_kernel(
                out,
                name,
                inputs,
                outputs,
                source,
                header,
                row_contiguous,
                atomic,
                math,
            )
        })
    }

    #[track_caller]
    pub(crate) fn cuda(definition: &Definition<'_>, options: CudaOptions<'_>) -> Result<GpuKernel> {
        let (row_contiguous, shared) = (options.row_contiguous, options.shared_memory);
        let header = options.header.to_c()?;
        // SAFETY: see `make`.
        GpuKernel::make("cuda_kernel", definition, |out, [name, source], [inputs, outputs]| unsafe {
            mlx_sys::mlx_fast_cuda_kernel(out, name, inputs, outputs, source, header, row_contiguous, shared)
        })
    }

    /// Calls `f` with texts that are valid during the call; it writes the kernel when it succeeds.
    #[track_caller]
    fn make(
        op: &'static str,
        definition: &Definition<'_>,
        f: impl FnOnce(*mut mlx_kernel, [mlx_string; 2], [mlx_strings; 2]) -> std::ffi::c_int,
    ) -> Result<GpuKernel> {
        let texts = [definition.name.to_c()?, definition.source.to_c()?];
        let strings = |list: &[&str]| list.iter().map(Arg::to_c).collect::<Result<Vec<mlx_string>>>();
        let (inputs, outputs) = (strings(definition.inputs)?, strings(definition.outputs)?);
        let names = [&inputs, &outputs].map(|list| mlx_strings { data: list.as_ptr(), size: list.len() });
        let mut out = MaybeUninit::uninit();
        call(op, || f(out.as_mut_ptr(), texts, names))?;
        // SAFETY: the call succeeded, so it wrote the kernel.
        Ok(GpuKernel(unsafe { out.assume_init() }))
    }

    /// Records a call on the current stream.
    #[track_caller]
    pub(crate) fn call(
        &self,
        op: &'static str,
        inputs: &[&Array],
        launch: &LaunchArgs<'_>,
        template: &[(String, TemplateArg)],
        verbose: bool,
    ) -> Result<Vec<Array>> {
        let inputs = ArrayList::of(inputs.iter().copied())?;
        let outputs = specs(launch.outputs);
        let args = template
            .iter()
            .map(|(name, arg)| {
                let (kind, value) = match *arg {
                    TemplateArg::Int(value) => (mlx_sys::MLX_ARGUMENT_INT, value),
                    TemplateArg::Bool(value) => (mlx_sys::MLX_ARGUMENT_BOOL, value.into()),
                    TemplateArg::Dtype(value) => (mlx_sys::MLX_ARGUMENT_DTYPE, value as i32),
                };
                Ok(mlx_template_arg { name: name.as_str().to_c()?, kind, value })
            })
            .collect::<Result<Vec<_>>>()?;
        let stream = stream::current(op)?;
        let launch = launch.to_c(&outputs);
        // SAFETY: a live kernel; all lists are borrowed for the call.
        Outputs::of(op, |out| unsafe {
            mlx_sys::mlx_kernel_call(
                out,
                self.0,
                inputs.span(),
                launch,
                args.as_ptr(),
                args.len(),
                verbose,
                stream,
            )
        })
    }
}

/// Records a call of a function of a compiled CUDA module.
#[track_caller]
pub(crate) fn call_precompiled(
    name: &str,
    module: &[u8],
    inputs: &[&Array],
    scalars: &[Scalar],
    launch: &LaunchArgs<'_>,
    (shared_memory, row_contiguous): (i32, bool),
) -> Result<Vec<Array>> {
    const OP: &str = "precompiled_cuda_kernel";
    let inputs = ArrayList::of(inputs.iter().copied())?;
    let outputs = specs(launch.outputs);
    let scalar = |scalar: &Scalar| match *scalar {
        Scalar::Bool(value) => {
            mlx_scalar_arg { kind: mlx_sys::MLX_ARGUMENT_BOOL, integer: value.into(), real: 0.0 }
        }
        Scalar::Int(value) => mlx_scalar_arg { kind: mlx_sys::MLX_ARGUMENT_INT, integer: value, real: 0.0 },
        Scalar::Float(value) => mlx_scalar_arg { kind: mlx_sys::MLX_ARGUMENT_FLOAT, integer: 0, real: value },
    };
    let scalars: Vec<_> = scalars.iter().map(scalar).collect();
    let (name, stream) = (name.to_c()?, stream::current(OP)?);
    let module = mlx_string { data: module.as_ptr().cast(), size: module.len() };
    let launch = launch.to_c(&outputs);
    // SAFETY: all texts and lists are borrowed for the call.
    Outputs::of(OP, |out| unsafe {
        mlx_sys::mlx_fast_precompiled_cuda_kernel(
            out,
            name,
            module,
            inputs.span(),
            launch,
            scalars.as_ptr(),
            scalars.len(),
            shared_memory,
            row_contiguous,
            stream,
        )
    })
}

/// Compiles CUDA C++ for `architecture` to a cubin.
#[track_caller]
pub(crate) fn compile_cuda(source: &str, architecture: &str) -> Result<Vec<u8>> {
    const OP: &str = "compile_cuda";
    let (source, architecture) = (source.to_c()?, architecture.to_c()?);
    // SAFETY: both texts are borrowed for the call, and a text that is written becomes ours.
    unsafe { text::owned_bytes(OP, |out| mlx_sys::mlx_cuda_compile(out, source, architecture)) }
}
