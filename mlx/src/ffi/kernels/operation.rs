//! Operations in Rust as primitives of MLX.

use super::{
    callback::{context, release, run},
    view::{fill, views, views_mut},
};
use crate::{
    Array, Device, Error, ErrorKind, Result,
    ffi::{
        ArrayList,
        args::Arg,
        call,
        call::Outputs,
        closure::{cloned, give, give_ints, guard, ints},
        stream,
    },
    kernels::{Operation, Spec},
};
use mlx_sys::{
    mlx_array_vector, mlx_array_view, mlx_arrays, mlx_int_vector, mlx_ints, mlx_operation, mlx_shape_vector,
    mlx_spec, mlx_specs,
};
use std::{
    ffi::{c_int, c_void},
    sync::Arc,
};

/// Records `operation` on this thread's current CPU stream, or its default one where another device is current. So many of
/// the last outputs as `in_place` says take the memory of as many of the last inputs; the operation must not take slices
/// of these, but write to them as [`super::write_vector`] does.
#[track_caller]
pub(crate) fn record<O: Operation>(
    op: &'static str,
    operation: &Arc<O>,
    inputs: &[&Array],
    outputs: &[Spec],
    in_place: usize,
) -> Result<Vec<Array>> {
    let inputs = ArrayList::of(inputs.iter().copied())?;
    let mut stream = stream::current(op)?;
    if stream.device.type_ != mlx_sys::MLX_CPU {
        stream = stream::default_of(op, Device::Cpu.raw())?;
    }
    let specs = specs(outputs);
    let outputs = mlx_specs { data: specs.as_ptr(), size: specs.len() };
    let (name, strided) = (operation.name(), operation.strided_inputs());
    let table = mlx_operation {
        ctx: std::ptr::null_mut(),
        name: name.to_c()?,
        strided,
        in_place,
        compute: Some(compute::<O>),
        output_shapes: Some(output_shapes::<O>),
        vjp: Some(vjp::<O>),
        jvp: Some(jvp::<O>),
        vmap: Some(vmap::<O>),
        drop: Some(release::<O>),
    };
    Outputs::of(op, |out| {
        let table = mlx_operation { ctx: context(operation), ..table };
        // SAFETY: names, specs and arrays are borrowed for the call. The context is a reference to an `O` that may be
        // used and dropped on any thread, and the functions are those for an `O`.
        unsafe { mlx_sys::mlx_operation_record(out, table, inputs.span(), outputs, stream) }
    })
}

/// Where the Rust operation is that is yet to compute `array`, and which of its outputs that is; `None` where MLX computes it,
/// or has.
#[track_caller]
pub(crate) fn operation(array: &Array) -> Result<Option<(usize, usize)>> {
    let (handle, mut context, mut output) = (array.handle()?.raw(), std::ptr::null_mut(), 0);
    // SAFETY: a live handle and valid out-pointers.
    call("operation", || unsafe { mlx_sys::mlx_array_operation(&mut context, &mut output, handle) })?;
    Ok((!context.is_null()).then(|| (context.addr(), output)))
}

/// Specs as the C API takes them, borrowing the shapes.
pub(super) fn specs(list: &[Spec]) -> Vec<mlx_spec> {
    let spec = |spec: &Spec| mlx_spec {
        shape: mlx_ints { data: spec.shape.as_ptr(), size: spec.shape.len() },
        dtype: spec.dtype as mlx_sys::mlx_dtype,
    };
    list.iter().map(spec).collect()
}

/// # Safety
/// This and the following functions are called by MLX as `mlx_operation` says: with a context that is an `O`, and
/// arguments that are alive during the call.
unsafe extern "C" fn compute<O: Operation>(
    context: *mut c_void,
    inputs: *const mlx_array_view,
    input_count: usize,
    outputs: *mut mlx_array_view,
    output_count: usize,
) -> c_int {
    // SAFETY: see above. The inputs have been computed before, and MLX allocated the outputs for this call alone, but for
    // those that are computed in place, of which `record` says how they are used.
    let (operation, inputs, outputs) =
        unsafe { (&*context.cast::<O>(), views(inputs, input_count), views_mut(outputs, output_count)) };
    fill(outputs, |outputs| {
        run(|| operation.name().to_owned(), || operation.eval(inputs, outputs).map(|()| 0))
    })
}

unsafe extern "C" fn output_shapes<O: Operation>(
    context: *mut c_void,
    inputs: mlx_arrays,
    out: mlx_shape_vector,
) -> c_int {
    guard(|| {
        // SAFETY: see `compute`.
        let (operation, inputs) = unsafe { (&*context.cast::<O>(), cloned(inputs)) };
        for spec in operation.outputs(&Spec::of_all(&inputs)?)? {
            spec.check("outputs")?;
            let shape = spec.shape.as_slice().to_c()?;
            // SAFETY: `out` lives during the callback, the shape during the call.
            call("outputs", || unsafe { mlx_sys::mlx_shape_vector_push(out, shape) })?;
        }
        Ok(())
    })
}

unsafe extern "C" fn vjp<O: Operation>(
    context: *mut c_void,
    primals: mlx_arrays,
    cotangents: mlx_arrays,
    argnums: mlx_ints,
    outputs: mlx_arrays,
    out: *mut mlx_array_vector,
) -> c_int {
    guard(|| {
        // SAFETY: see `compute`.
        let (operation, inputs, outputs, cotangents, argnums) = unsafe {
            (&*context.cast::<O>(), cloned(primals), cloned(outputs), cloned(cotangents), ints(argnums))
        };
        let products = operation.vjp(&inputs, &outputs, &cotangents)?;
        check(operation.name(), "vjp", &products, "inputs", &Spec::of_all(&inputs)?)?;
        let wanted = argnums.iter().filter_map(|&i| products.get(usize::try_from(i).ok()?).cloned());
        // SAFETY: the callback's out-pointer.
        unsafe { give(&wanted.collect::<Vec<_>>(), out) }
    })
}

unsafe extern "C" fn jvp<O: Operation>(
    context: *mut c_void,
    primals: mlx_arrays,
    tangents: mlx_arrays,
    argnums: mlx_ints,
    out: *mut mlx_array_vector,
) -> c_int {
    guard(|| {
        // SAFETY: see `compute`.
        let (operation, inputs, given, argnums) =
            unsafe { (&*context.cast::<O>(), cloned(primals), cloned(tangents), ints(argnums)) };
        let mut tangents = vec![None; inputs.len()];
        for (&i, tangent) in argnums.iter().zip(given) {
            if let Some(place) = usize::try_from(i).ok().and_then(|i| tangents.get_mut(i)) {
                *place = Some(tangent);
            }
        }
        let products = operation.jvp(&inputs, &tangents)?;
        let like = operation.outputs(&Spec::of_all(&inputs)?)?;
        check(operation.name(), "jvp", &products, "outputs", &like)?;
        // SAFETY: the callback's out-pointer.
        unsafe { give(&products, out) }
    })
}

unsafe extern "C" fn vmap<O: Operation>(
    context: *mut c_void,
    inputs: mlx_arrays,
    axes: mlx_ints,
    out: *mut mlx_array_vector,
    out_axes: *mut mlx_int_vector,
) -> c_int {
    guard(|| {
        // SAFETY: see `compute`.
        let (operation, inputs, axes) = unsafe { (&*context.cast::<O>(), cloned(inputs), ints(axes)) };
        let axes: Vec<_> = axes.iter().map(|&axis| usize::try_from(axis).ok()).collect();
        let (mut results, mut codes) = (Vec::new(), Vec::new());
        for (result, axis) in operation.vmap(&inputs, &axes)? {
            codes.push(match axis {
                Some(axis) if axis >= result.ndim()? => {
                    let (name, shape) = (operation.name(), result.shape()?);
                    return wrong(format!("vmap of `{name}` gave axis {axis} of the shape {shape:?}"));
                }
                Some(axis) => axis as c_int,
                None => -1,
            });
            results.push(result);
        }
        // SAFETY: the callback's out-pointers.
        unsafe { give_ints(&codes, out_axes).and_then(|()| give(&results, out)) }
    })
}

/// MLX takes what a transformation gives without looking, so it must be like what it belongs to.
fn check(name: &str, transform: &str, products: &[Array], of: &str, like: &[Spec]) -> Result<()> {
    if products.len() != like.len() {
        let (given, wanted) = (products.len(), like.len());
        return wrong(format!("{transform} of `{name}` gave {given} arrays for {wanted} {of}"));
    }
    for (i, (product, spec)) in products.iter().zip(like).enumerate() {
        let given = Spec::of(product)?;
        if given != *spec {
            return wrong(format!(
                "{transform} of `{name}` gave {given} for number {i} of the {of}, which is {spec}"
            ));
        }
    }
    Ok(())
}

fn wrong<T>(text: String) -> Result<T> {
    Err(Error::new(ErrorKind::Callback, "apply", text))
}
