//! Other ways to compute MLX's own operations on the CPU.

use super::{Layout, View, ViewMut};
use crate::{Array, Result, ffi::kernels as ffi, ffi::kernels::InPlace};
use std::sync::Arc;

/// Code that computes one of MLX's operations on the CPU in place of MLX's own; see [`replace_cpu`].
///
/// It is shared with the thread that computes, hence `Send + Sync`.
pub trait CpuKernel: Send + Sync + 'static {
    /// The name, for error messages; by default that of the type.
    fn name(&self) -> &str {
        std::any::type_name::<Self>()
    }

    /// The name of MLX's operation that it computes, as [`primitive_name`] gives it: `"QuantizedMatmul"`. Only results of
    /// this operation are replaced.
    fn replaces(&self) -> &str;

    /// Whether output 0 is computed in place: it has the elements of input 0 at first, and [`run`](CpuKernel::run)
    /// writes those that change. By default outputs are zeros at first.
    ///
    /// The memory of input 0 is reused if nothing else refers to it, else copied first. Input 0 can then not be read,
    /// only output 0. Where their shapes or dtypes differ, or input 0 is not row-major without gaps, MLX computes.
    fn in_place(&self) -> bool {
        false
    }

    /// Whether [`run`](CpuKernel::run) takes inputs as they lie in memory, and reads them with
    /// [`View::strided`] (the default). Otherwise those that are not row-major without gaps are copied first.
    fn strided_inputs(&self) -> bool {
        true
    }

    /// Whether the kernel computes these outputs from these inputs; if not, MLX does.
    ///
    /// Asked before each computation, on the thread that evaluates: shapes, strides and dtypes are known, elements are
    /// not. Inputs that are not aligned to their elements are never offered.
    fn accepts(&self, inputs: &[Layout<'_>], outputs: &[Layout<'_>]) -> bool;

    /// Computes the outputs.
    ///
    /// Runs on a thread of MLX, in the order of the stream the operation was recorded on; it may start threads of its own
    /// and must not use arrays. An error or a panic fails the evaluation with
    /// [`ErrorKind::Callback`](crate::ErrorKind).
    fn run(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()>;
}

/// The name of the operation that gives `array`, `None` once that has been evaluated; for [`CpuKernel::replaces`].
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::Array::from_slice(&[1.0f32, 2.0], &[2]);
/// assert_eq!(mlx::kernels::primitive_name(&x.exp()?)?.as_deref(), Some("Exp"));
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn primitive_name(array: &Array) -> Result<Option<String>> {
    ffi::primitive_name(array)
}

/// Has the operation that `array` was just recorded by computed by `kernel`, where it is computed on the CPU and the
/// kernel accepts it. Shape, dtype, derivatives and vectorization stay MLX's.
///
/// Nothing happens to an array that is the result of another operation than the kernel
/// [replaces](CpuKernel::replaces), that was evaluated, or that is computed on a GPU. All outputs of the operation are
/// replaced together, for every holder of them.
///
/// An operation that is replaced is not fused with others in compiled functions. What a transform makes of it, for
/// example its gradient, is made of MLX's own operations.
#[track_caller]
pub fn replace_cpu<K: CpuKernel>(array: Array, kernel: &Arc<K>) -> Result<Array> {
    let in_place = if kernel.in_place() { InPlace::OrCopy } else { InPlace::Never };
    ffi::replace_cpu("replace_cpu", &array, kernel, in_place)?;
    Ok(array)
}

/// Has every operation of MLX called `primitive` computed by a kernel where it is computed on the CPU: all that this
/// process evaluates from now on, also what transforms make, such as the products in a gradient.
///
/// `make` gives the kernel for one operation, or `None` to leave it to MLX, as it is about to be computed. It gets what
/// tells operations of the kind apart:
///
/// | operation | parameters |
/// |---|---|
/// | `QuantizedMatmul` | group size; bits; mode (0 affine, 1 mxfp4, 2 mxfp8, 3 nvfp4); 1 if the matrix is transposed, else 0 |
/// | `GatherQMM` | the same; 1 if the picks of the left, of the right side are sorted |
/// | `AddMM` | `alpha`; `beta` |
/// | `Softmax` | 1 if it is computed in at least single precision |
/// | others | none |
///
/// Of several calls for one kind the last counts. What a kernel does not accept, MLX computes.
#[track_caller]
pub fn replace_cpu_everywhere<K: CpuKernel>(
    primitive: &str,
    make: impl Fn(&[f64]) -> Option<Arc<K>> + Send + Sync + 'static,
) -> Result<()> {
    ffi::replace_cpu_everywhere("replace_cpu_everywhere", primitive, make)
}

/// Like [`replace_cpu`] with a kernel that computes in place, and never copies: the output takes the memory of input 0
/// though others refer to it, so that a long-lived buffer grows without being copied while earlier steps are computed.
///
/// # Safety
/// Input 0's memory is shared with the output. Whoever reads an array of that memory (input 0 and everything that is
/// a view of it, such as slices) must do so on the same stream as the operation, before or after it, and accept that
/// elements written by the kernel changed; no other input may be such an array.
#[track_caller]
pub unsafe fn replace_cpu_aliased<K: CpuKernel>(array: Array, kernel: &Arc<K>) -> Result<Array> {
    ffi::replace_cpu("replace_cpu_aliased", &array, kernel, InPlace::Always)?;
    Ok(array)
}
