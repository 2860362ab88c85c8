//! Rust code in place of MLX's own evaluation on the CPU.

use super::{
    callback::{context, release, run},
    view::{fill, layouts, views, views_mut},
};
use crate::{Array, Result, ffi::args::Arg, ffi::call, kernels::CpuKernel};
use mlx_sys::{mlx_array_view, mlx_cpu_kernel, mlx_cpu_kernels, mlx_doubles, mlx_in_place, mlx_string};
use std::{
    any::type_name,
    ffi::{c_int, c_void},
    sync::Arc,
};

/// Whether output 0 is computed in the memory of input 0.
#[derive(Clone, Copy)]
pub(crate) enum InPlace {
    Never,
    OrCopy,
    Always,
}

impl InPlace {
    fn code(self) -> mlx_in_place {
        match self {
            InPlace::Never => mlx_sys::MLX_IN_PLACE_NEVER,
            InPlace::OrCopy => mlx_sys::MLX_IN_PLACE_OR_COPY,
            InPlace::Always => mlx_sys::MLX_IN_PLACE_ALWAYS,
        }
    }
}

/// Has the operation that gives `array` computed by `kernel`; says whether there was one on the CPU.
#[track_caller]
pub(crate) fn replace_cpu<K: CpuKernel>(
    op: &'static str,
    array: &Array,
    kernel: &Arc<K>,
    in_place: InPlace,
) -> Result<bool> {
    let array = array.handle()?;
    let (name, mut replaced) = (kernel.replaces(), false);
    let primitive = name.to_c()?;
    call(op, || {
        let table = mlx_cpu_kernel { primitive, ..table(kernel, in_place) };
        // SAFETY: a live handle, a valid out-pointer, a table as the C API wants it, and a name borrowed for the call.
        unsafe { mlx_sys::mlx_replace_cpu(&mut replaced, array.raw(), table) }
    })?;
    Ok(replaced)
}

/// Has all operations called `primitive` computed by what `make` gives for their parameters.
#[track_caller]
pub(crate) fn replace_cpu_everywhere<K: CpuKernel, M>(
    op: &'static str,
    primitive: &str,
    make: M,
) -> Result<()>
where
    M: Fn(&[f64]) -> Option<Arc<K>> + Send + Sync + 'static,
{
    let (make, primitive) = (Arc::new(make), primitive.to_c()?);
    call(op, || {
        let kernels = mlx_cpu_kernels {
            ctx: context(&make),
            primitive,
            make: Some(make_for::<K, M>),
            drop: Some(release::<M>),
        };
        // SAFETY: a name borrowed for the call; a context that is a reference to an `M`, which any thread may use and drop,
        // with the functions for an `M`.
        unsafe { mlx_sys::mlx_replace_cpu_everywhere(kernels) }
    })
}

/// The kernel as the C API takes it, but for the name of the operation. The context is a reference to a `K` that may be
/// used and dropped on any thread, and the functions are those for a `K`.
fn table<K: CpuKernel>(kernel: &Arc<K>, in_place: InPlace) -> mlx_cpu_kernel {
    mlx_cpu_kernel {
        ctx: context(kernel),
        primitive: mlx_string { data: std::ptr::null(), size: 0 },
        in_place: in_place.code(),
        strided: kernel.strided_inputs(),
        accepts: Some(accepts::<K>),
        compute: Some(compute::<K>),
        drop: Some(release::<K>),
    }
}

/// # Safety
/// Called by MLX as `mlx_cpu_kernels` says: with a context that is an `M`, parameters that live during the call, and a
/// valid out-pointer.
unsafe extern "C" fn make_for<K: CpuKernel, M>(
    context: *mut c_void,
    parameters: mlx_doubles,
    out: *mut mlx_cpu_kernel,
) -> c_int
where
    M: Fn(&[f64]) -> Option<Arc<K>>,
{
    run(
        || type_name::<K>().to_owned(),
        || {
            // SAFETY: see above.
            let (make, parameters) = unsafe {
                let none = parameters.size == 0;
                let list: &[f64] =
                    if none { &[] } else { std::slice::from_raw_parts(parameters.data, parameters.size) };
                (&*context.cast::<M>(), list)
            };
            let Some(kernel) = make(parameters) else { return Ok(0) };
            let in_place = if kernel.in_place() { InPlace::OrCopy } else { InPlace::Never };
            // SAFETY: see above.
            unsafe { out.write(table(&kernel, in_place)) };
            Ok(1)
        },
    )
}

/// The name of the operation that gives `array`, unless it has been evaluated.
#[track_caller]
pub(crate) fn primitive_name(array: &Array) -> Result<Option<String>> {
    let array = array.handle()?.raw();
    // SAFETY: a live handle.
    if !unsafe { mlx_sys::mlx_array_has_primitive(array) } {
        return Ok(None);
    }
    let mut name = mlx_string { data: std::ptr::null(), size: 0 };
    // SAFETY: as above, with a valid out-pointer.
    call("primitive_name", || unsafe { mlx_sys::mlx_array_primitive_name(&mut name, array) })?;
    // SAFETY: the text lives as long as the operation, which is part of the graph as long as nothing evaluates.
    let bytes = unsafe { std::slice::from_raw_parts(name.data.cast::<u8>(), name.size) };
    Ok(Some(String::from_utf8_lossy(bytes).into_owned()))
}

/// # Safety
/// This and the next function are called by MLX as `mlx_cpu_kernel` says: with a context that is a `K`, and
/// arguments that are alive during the call.
unsafe extern "C" fn accepts<K: CpuKernel>(
    context: *mut c_void,
    inputs: *const mlx_array_view,
    input_count: usize,
    outputs: *const mlx_array_view,
    output_count: usize,
) -> c_int {
    // SAFETY: see above.
    let (kernel, inputs, outputs) =
        unsafe { (&*context.cast::<K>(), layouts(inputs, input_count), layouts(outputs, output_count)) };
    run(|| kernel.name().to_owned(), || Ok(kernel.accepts(inputs, outputs).into()))
}

unsafe extern "C" fn compute<K: CpuKernel>(
    context: *mut c_void,
    inputs: *const mlx_array_view,
    input_count: usize,
    outputs: *mut mlx_array_view,
    output_count: usize,
) -> c_int {
    // SAFETY: see above. The inputs have been computed before. The outputs' memory is theirs alone: new, or given up
    // by input 0, whose view has none then; or whoever replaced the operation promised that nothing else uses it.
    let (kernel, inputs, outputs) =
        unsafe { (&*context.cast::<K>(), views(inputs, input_count), views_mut(outputs, output_count)) };
    fill(outputs, |outputs| run(|| kernel.name().to_owned(), || kernel.run(inputs, outputs).map(|()| 0)))
}
