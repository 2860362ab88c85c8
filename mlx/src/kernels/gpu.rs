//! Kernels in Metal and CUDA.

use super::{Spec, exactly};
use crate::{
    Array, Device, Dtype, Error, Property, Result,
    ffi::kernels::{self as ffi, Definition, GpuKernel, LaunchArgs, call_precompiled},
};
use std::fmt;

/// How a kernel is launched: counts of threads, outputs, template arguments.
///
/// ```
/// use mlx::{Dtype, kernels::Launch};
/// let launch = Launch::new([1024, 1, 1], [256, 1, 1]).output(&[1024], Dtype::F32).template("T", Dtype::F32);
/// # drop(launch);
/// ```
#[derive(Clone, Debug)]
pub struct Launch {
    grid: [i32; 3],
    group: [i32; 3],
    outputs: Vec<Spec>,
    template: Vec<(String, TemplateArg)>,
    init: Option<f32>,
    verbose: bool,
}

/// A template argument of a kernel; made of an `i32`, a `bool` or a [`Dtype`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TemplateArg {
    /// An integer.
    Int(i32),
    /// True or false.
    Bool(bool),
    /// The kernel language's type for the dtype.
    Dtype(Dtype),
}

/// A scalar parameter of a [`PrecompiledCudaKernel`]; made of an `i32`, a `bool` or an `f32`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Scalar {
    /// `int`.
    Int(i32),
    /// `bool`.
    Bool(bool),
    /// `float`.
    Float(f32),
}

macro_rules! from {
    ($($enum:ident::$variant:ident($ty:ty);)*) => { $(
        impl From<$ty> for $enum {
            fn from(value: $ty) -> $enum {
                $enum::$variant(value)
            }
        }
    )* };
}

from! {
    TemplateArg::Int(i32);
    TemplateArg::Bool(bool);
    TemplateArg::Dtype(Dtype);
    Scalar::Int(i32);
    Scalar::Bool(bool);
    Scalar::Float(f32);
}

impl Launch {
    /// `grid` threads in groups of `group`, along x, y and z. On CUDA too the grid counts threads, not blocks.
    pub fn new(grid: [i32; 3], group: [i32; 3]) -> Launch {
        Launch { grid, group, outputs: Vec::new(), template: Vec::new(), init: None, verbose: false }
    }

    /// Adds an output, in the order of the kernel's output names.
    pub fn output(mut self, shape: &[i32], dtype: Dtype) -> Launch {
        self.outputs.push(Spec::new(shape, dtype));
        self
    }

    /// Sets a template argument. The kernel is compiled once for each combination of them.
    pub fn template(mut self, name: &str, value: impl Into<TemplateArg>) -> Launch {
        self.template.push((name.to_owned(), value.into()));
        self
    }

    /// Fills the outputs with `value` before; otherwise they hold anything at first.
    pub fn init(mut self, value: f32) -> Launch {
        self.init = Some(value);
        self
    }

    /// Prints the whole source that MLX makes.
    pub fn verbose(mut self) -> Launch {
        self.verbose = true;
        self
    }

    /// What to give to MLX, if `outputs` is the number of outputs and all counts make sense.
    #[track_caller]
    fn args(&self, op: &'static str, outputs: usize) -> Result<LaunchArgs<'_>> {
        let (grid, group) = (self.grid, self.group);
        if grid.iter().chain(&group).any(|&count| count < 1) {
            let text = format!("grid {grid:?} and group {group:?}: each count of threads must be at least 1");
            return Err(Error::invalid(op, text));
        }
        if self.outputs.len() != outputs || outputs == 0 {
            let text = format!("the launch has {} outputs, the kernel {outputs}", self.outputs.len());
            return Err(Error::invalid(op, text));
        }
        self.outputs.iter().try_for_each(|spec| spec.check(op))?;
        Ok(LaunchArgs { outputs: &self.outputs, grid, group, init: self.init })
    }
}

/// How accurate floating-point arithmetic in Metal is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(i32)]
pub enum MetalMath {
    /// As IEEE 754 says.
    #[default]
    Safe = 0,
    /// Faster, where infinities and NaNs are kept.
    Relaxed = 1,
    /// As fast as possible; infinities and NaNs may be lost.
    Fast = 2,
}

/// Options of a [`MetalKernel`].
#[derive(Clone, Copy, Debug)]
pub struct MetalOptions<'a> {
    /// Source that goes before the kernel: helper functions, includes.
    pub header: &'a str,
    /// Copies inputs that are not row-major without gaps (the default); otherwise the kernel uses their strides.
    pub row_contiguous: bool,
    /// Makes outputs `device atomic<T>*`.
    pub atomic_outputs: bool,
    /// The accuracy of arithmetic.
    pub math: MetalMath,
}

impl Default for MetalOptions<'_> {
    fn default() -> Self {
        MetalOptions { header: "", row_contiguous: true, atomic_outputs: false, math: MetalMath::Safe }
    }
}

/// Options of a [`CudaKernel`].
#[derive(Clone, Copy, Debug)]
pub struct CudaOptions<'a> {
    /// Source that goes before the kernel: helper functions, includes.
    pub header: &'a str,
    /// Copies inputs that are not row-major without gaps (the default); otherwise the kernel uses their strides.
    pub row_contiguous: bool,
    /// Bytes of dynamic shared memory.
    pub shared_memory: i32,
}

impl Default for CudaOptions<'_> {
    fn default() -> Self {
        CudaOptions { header: "", row_contiguous: true, shared_memory: 0 }
    }
}

/// What [`MetalKernel`] and [`CudaKernel`] have in common.
struct Jit {
    kernel: GpuKernel,
    name: String,
    op: &'static str,
    inputs: usize,
    outputs: usize,
}

impl Jit {
    #[track_caller]
    fn call<const N: usize>(&self, inputs: &[impl AsRef<Array>], launch: &Launch) -> Result<[Array; N]> {
        if inputs.len() != self.inputs {
            let text = format!("`{}` takes {} inputs, {} were given", self.name, self.inputs, inputs.len());
            return Err(Error::invalid(self.op, text));
        }
        let inputs: Vec<&Array> = inputs.iter().map(AsRef::as_ref).collect();
        let args = launch.args(self.op, self.outputs)?;
        exactly(self.op, self.kernel.call(self.op, &inputs, &args, &launch.template, launch.verbose)?)
    }
}

impl fmt::Debug for Jit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} `{}`: {} inputs, {} outputs", self.op, self.name, self.inputs, self.outputs)
    }
}

macro_rules! jit_kernels {
    ($($(#[$doc:meta])* $name:ident, $options:ident, $make:ident, $op:literal;)*) => { $(
        $(#[$doc])*
        #[derive(Debug)]
        pub struct $name(Jit);

        impl $name {
            /// A kernel called `name` from the body of a function; MLX writes the signature from the names of inputs
            /// and outputs. It is compiled when a call is first evaluated, so errors in the source come up there.
            ///
            /// # Safety
            /// Whatever it is launched with, the kernel reads and writes no memory but that of its inputs and outputs,
            /// and does not write its inputs.
            #[track_caller]
            pub unsafe fn new(
                name: &str,
                inputs: &[&str],
                outputs: &[&str],
                source: &str,
                options: $options<'_>,
            ) -> Result<$name> {
                let kernel = GpuKernel::$make(&Definition { name, inputs, outputs, source }, options)?;
                let (inputs, outputs) = (inputs.len(), outputs.len());
                Ok($name(Jit { kernel, name: name.to_owned(), op: $op, inputs, outputs }))
            }

            /// Records a call on the current stream, which is one of a GPU: `let [y] = kernel.call(&[&x], &launch)?`.
            #[track_caller]
            pub fn call<const N: usize>(
                &self,
                inputs: &[impl AsRef<Array>],
                launch: &Launch,
            ) -> Result<[Array; N]> {
                self.0.call(inputs, launch)
            }
        }
    )* };
}

jit_kernels! {
    /// A kernel in the Metal Shading Language.
    ///
    /// For an input `x` whose `x_shape`, `x_strides` or `x_ndim` the source mentions, MLX passes these too.
    ///
    /// ```no_run
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, kernels::{Launch, MetalKernel}, random};
    /// let source = "uint i = thread_position_in_grid.x; y[i] = metal::exp2(x[i]);";
    /// // SAFETY: the kernel touches element `i` of its arrays only, and launches have a thread per element.
    /// let exp2 = unsafe { MetalKernel::new("my_exp2", &["x"], &["y"], source, Default::default())? };
    ///
    /// let x = random::normal(&[4096], Dtype::F32, &random::key(0)?)?;
    /// let launch = Launch::new([4096, 1, 1], [256, 1, 1]).output(&[4096], Dtype::F32);
    /// let [y] = exp2.call(&[&x], &launch)?;
    /// # y.eval()
    /// # }
    /// ```
    #[doc(alias = "mx.fast.metal_kernel")]
    MetalKernel, MetalOptions, metal, "metal_kernel";

    /// A kernel in CUDA C++.
    ///
    /// For an input `x` whose `x_shape`, `x_strides` or `x_ndim` the source mentions, MLX passes these too.
    ///
    /// ```no_run
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, kernels::{CudaKernel, Launch}, random};
    /// let source = "auto i = cooperative_groups::this_grid().thread_rank(); y[i] = exp2f(x[i]);";
    /// // SAFETY: the kernel touches element `i` of its arrays only, and launches have a thread per element.
    /// let exp2 = unsafe { CudaKernel::new("my_exp2", &["x"], &["y"], source, Default::default())? };
    ///
    /// let x = random::normal(&[4096], Dtype::F32, &random::key(0)?)?;
    /// let launch = Launch::new([4096, 1, 1], [256, 1, 1]).output(&[4096], Dtype::F32);
    /// let [y] = exp2.call(&[&x], &launch)?;
    /// # y.eval()
    /// # }
    /// ```
    #[doc(alias = "mx.fast.cuda_kernel")]
    CudaKernel, CudaOptions, cuda, "cuda_kernel";
}

/// A function of a compiled CUDA module, for example one written in Rust and compiled to PTX.
///
/// ```no_run
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, kernels::{Launch, PrecompiledCudaKernel, Scalar}, ones};
/// # let module = Vec::new();
/// // SAFETY: `scale(const float* x, float* y, int n, float by)` stays below `n`, the number of elements of both.
/// let scale = unsafe { PrecompiledCudaKernel::new("scale", module) };
///
/// let x = ones(&[4096], Dtype::F32);
/// let launch = Launch::new([4096, 1, 1], [256, 1, 1]).output(&[4096], Dtype::F32);
/// let [y] = scale.call(&[&x], &[Scalar::Int(4096), Scalar::Float(2.0)], &launch)?;
/// # y.eval()
/// # }
/// ```
#[doc(alias = "mx.fast.precompiled_cuda_kernel")]
#[derive(Clone)]
pub struct PrecompiledCudaKernel {
    name: String,
    module: Vec<u8>,
    shared_memory: i32,
    row_contiguous: bool,
}

impl PrecompiledCudaKernel {
    /// The function `name` of `module`, which is PTX or a cubin. Its parameters are the inputs, the outputs and the
    /// scalars. The module is loaded when a call is first evaluated.
    ///
    /// # Safety
    /// Whatever it is called with, the function has these parameters, reads and writes no memory but that of its
    /// inputs and outputs, and does not write its inputs.
    pub unsafe fn new(name: &str, module: impl Into<Vec<u8>>) -> PrecompiledCudaKernel {
        let (name, module) = (name.to_owned(), module.into());
        PrecompiledCudaKernel { name, module, shared_memory: 0, row_contiguous: false }
    }

    /// Sets the bytes of dynamic shared memory; 0 by default.
    pub fn shared_memory(mut self, bytes: i32) -> Self {
        self.shared_memory = bytes;
        self
    }

    /// Copies inputs that are not row-major without gaps; by default they come as they are.
    pub fn row_contiguous(mut self) -> Self {
        self.row_contiguous = true;
        self
    }

    /// Records a call on the current stream, which is one of a GPU. Template arguments do not apply.
    #[track_caller]
    pub fn call<const N: usize>(
        &self,
        inputs: &[impl AsRef<Array>],
        scalars: &[Scalar],
        launch: &Launch,
    ) -> Result<[Array; N]> {
        const OP: &str = "precompiled_cuda_kernel";
        if !launch.template.is_empty() {
            return Err(Error::invalid(OP, "a compiled function has no template arguments"));
        }
        let inputs: Vec<&Array> = inputs.iter().map(AsRef::as_ref).collect();
        let args = launch.args(OP, launch.outputs.len())?;
        let options = (self.shared_memory, self.row_contiguous);
        exactly(OP, call_precompiled(&self.name, &self.module, &inputs, scalars, &args, options)?)
    }
}

impl fmt::Debug for PrecompiledCudaKernel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "precompiled_cuda_kernel `{}`: {} bytes", self.name, self.module.len())
    }
}

/// Compiles CUDA C++ for the GPU of this process, with NVRTC, which MLX for CUDA brings along: a module for
/// [`PrecompiledCudaKernel`]. There are no headers to include, which makes it a matter of a fraction of a second.
///
/// ```no_run
/// # fn main() -> mlx::Result<()> {
/// use mlx::kernels::{PrecompiledCudaKernel, compile_cuda};
/// let source = r#"
///     extern "C" __global__ void scale(const float* x, float* y, int n, float by) {
///       const int i = blockIdx.x * blockDim.x + threadIdx.x;
///       if (i < n) y[i] = by * x[i];
///     }
/// "#;
/// // SAFETY: the function stays below `n`, the number of elements of both.
/// let scale = unsafe { PrecompiledCudaKernel::new("scale", compile_cuda(source)?) };
/// # drop(scale);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// What the compiler says; a build without CUDA, or a machine without a GPU.
#[track_caller]
pub fn compile_cuda(source: &str) -> Result<Vec<u8>> {
    match Device::Gpu.info(0)?.get("architecture") {
        Some(Property::Text(architecture)) => ffi::compile_cuda(source, architecture),
        _ => Err(Error::invalid("compile_cuda", "the GPU does not tell its architecture")),
    }
}
