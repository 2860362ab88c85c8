//! Operations written in Rust.

use super::{View, ViewMut};
use crate::{Array, Dtype, Error, ErrorKind, Result, array::element_count, ffi};
use std::{fmt, sync::Arc};

/// What is known of an array before it is computed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spec {
    /// The extent of each dimension.
    pub shape: Vec<i32>,
    /// The type of the elements.
    pub dtype: Dtype,
}

impl Spec {
    /// A spec of this shape and dtype.
    pub fn new(shape: impl AsRef<[i32]>, dtype: Dtype) -> Spec {
        Spec { shape: shape.as_ref().to_vec(), dtype }
    }

    /// The spec of an array. Fails only for a failed array.
    pub fn of(array: &Array) -> Result<Spec> {
        Ok(Spec::new(array.shape()?, array.dtype()?))
    }

    pub(crate) fn of_all(arrays: &[Array]) -> Result<Vec<Spec>> {
        arrays.iter().map(Spec::of).collect()
    }

    /// Fails for a shape that no array can have.
    #[track_caller]
    pub(crate) fn check(&self, op: &'static str) -> Result<()> {
        match element_count(&self.shape).and_then(|count| count.checked_mul(self.dtype.size())) {
            Some(bytes) if bytes < isize::MAX as usize => Ok(()),
            _ => Err(Error::invalid(op, format!("no array can have the shape {:?}", self.shape))),
        }
    }
}

impl fmt::Display for Spec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.dtype, self.shape)
    }
}

/// An operation written in Rust, which takes its place in MLX's graph: lazy, differentiable if it says how, and usable
/// in compiled functions. [`apply`] records it.
///
/// It is shared with the thread that computes, hence `Send + Sync`, and dropped when the last array that needs it is
/// computed or dropped: perhaps on that thread.
pub trait Operation: Send + Sync + 'static {
    /// The name, for error messages and printed graphs.
    fn name(&self) -> &str;

    /// The shapes and dtypes of the outputs for inputs like these; fails if it does not take such inputs.
    ///
    /// Called when the operation is recorded, and again by transforms for other inputs. The number of outputs and
    /// their dtypes depend on nothing but the number and the dtypes of the inputs.
    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>>;

    /// Computes the outputs, which are zeros at first.
    ///
    /// Runs on a thread of MLX, in the order of the stream it was recorded on; it may start threads of its own and must
    /// not use arrays. An error or a panic fails the evaluation with [`ErrorKind::Callback`](crate::ErrorKind).
    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()>;

    /// Whether [`eval`](Operation::eval) takes inputs as they lie in memory, transposed or broadcast, and reads them
    /// with [`View::strided`]. Otherwise, and by default, inputs that are not row-major without gaps are copied first.
    fn strided_inputs(&self) -> bool {
        false
    }

    /// The gradient: from the cotangents of the outputs to one of each input, of that input's shape and dtype. For an
    /// input that has none, such as indices, zeros.
    ///
    /// Called, like the following, where a function is transformed, to record arrays. By default it fails.
    fn vjp(&self, inputs: &[Array], outputs: &[Array], cotangents: &[Array]) -> Result<Vec<Array>> {
        let _ = (inputs, outputs, cotangents);
        Err(not_implemented(self.name(), "vjp"))
    }

    /// The directional derivative: from the tangents of the inputs (`None` is zero) to one of each output. By default it
    /// fails.
    fn jvp(&self, inputs: &[Array], tangents: &[Option<Array>]) -> Result<Vec<Array>> {
        let _ = (inputs, tangents);
        Err(not_implemented(self.name(), "jvp"))
    }

    /// The operation along an axis of each input (`None`: the whole of it for all): the outputs and the axis of each
    /// that belongs to the vectorized one. By default it fails.
    fn vmap(&self, inputs: &[Array], axes: &[Option<usize>]) -> Result<Vec<(Array, Option<usize>)>> {
        let _ = (inputs, axes);
        Err(not_implemented(self.name(), "vmap"))
    }
}

fn not_implemented(name: &str, transform: &'static str) -> Error {
    let text = format!("`{name}` does not say how: its `Operation::{transform}` is not implemented");
    Error::new(ErrorKind::Callback, transform, text)
}

/// Records `operation` on `inputs`, arrays or references to them, for an operation with `N` outputs:
/// `let [y] = apply(&operation, &[&x])?`.
///
/// It is computed on the CPU: on the current stream if that is one of the CPU, else on this thread's default one.
/// Calls with the same `Arc` and inputs are computed once within a compiled function.
#[track_caller]
pub fn apply<O: Operation, const N: usize>(
    operation: &Arc<O>,
    inputs: &[impl AsRef<Array>],
) -> Result<[Array; N]> {
    exactly("apply", apply_list(operation, inputs)?)
}

/// Like [`apply`] for a number of outputs that is not known beforehand.
#[track_caller]
pub fn apply_list<O: Operation>(operation: &Arc<O>, inputs: &[impl AsRef<Array>]) -> Result<Vec<Array>> {
    apply_in_place(operation, &inputs.iter().map(AsRef::as_ref).collect::<Vec<_>>(), 0)
}

/// Like [`apply_list`], with so many of the last outputs in the memory of as many of the last inputs.
#[track_caller]
pub(crate) fn apply_in_place<O: Operation>(
    operation: &Arc<O>,
    inputs: &[&Array],
    in_place: usize,
) -> Result<Vec<Array>> {
    const OP: &str = "apply";
    let specs = inputs.iter().map(|input| Spec::of(input)).collect::<Result<Vec<_>>>()?;
    let outputs = operation.outputs(&specs)?;
    if outputs.is_empty() {
        return Err(Error::invalid(OP, format!("`{}` has no outputs", operation.name())));
    }
    outputs.iter().try_for_each(|spec| spec.check(OP))?;
    ffi::kernels::record(OP, operation, inputs, &outputs, in_place)
}

/// The arrays as an array of `N`.
#[track_caller]
pub(crate) fn exactly<const N: usize>(op: &'static str, list: Vec<Array>) -> Result<[Array; N]> {
    list.try_into().map_err(|list: Vec<Array>| {
        Error::invalid(op, format!("there are {} outputs; {N} were asked for", list.len()))
    })
}
