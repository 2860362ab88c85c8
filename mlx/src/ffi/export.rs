//! Functions into files.

use super::{
    args::{Arg, ArrayList},
    call::call,
    closure::{self, Kept},
    io::{spans, strings, text},
};
use crate::{Array, Result};
use mlx_sys::{mlx_array_vector, mlx_arrays, mlx_closure_kwargs, mlx_exporter, mlx_strings};
use std::{
    collections::BTreeMap,
    ffi::{c_int, c_void},
    marker::PhantomData,
    mem::MaybeUninit,
};

/// A function of arrays by position and arrays by name.
pub(crate) type FunKwargs<'f> = dyn Fn(&[Array], &BTreeMap<String, Array>) -> Result<Vec<Array>> + 'f;

/// A file that functions are written to, of one thread; closed on drop.
pub(crate) struct ExportFile<'f> {
    raw: mlx_exporter,
    _f: PhantomData<Box<FunKwargs<'f>>>,
}

impl<'f> ExportFile<'f> {
    #[track_caller]
    pub(crate) fn new(
        path: &str,
        f: Box<FunKwargs<'f>>,
        shapeless: bool,
        metadata: &str,
    ) -> Result<ExportFile<'f>> {
        let (path, metadata) = (path.to_c()?, metadata.to_c()?);
        let f = mlx_closure_kwargs {
            ctx: Kept::into_ctx(f),
            call: Some(call_kwargs),
            drop: Some(Kept::<FunKwargs<'f>>::drop),
        };
        let mut out = MaybeUninit::uninit();
        // SAFETY: the texts outlive the call, which takes the closure over and writes `out` when it succeeds.
        call("export_function", || unsafe {
            mlx_sys::mlx_exporter_new(out.as_mut_ptr(), path, f, shapeless, metadata)
        })?;
        // SAFETY: the call succeeded, so it wrote `out`. What it keeps of `f` goes with it, before `'f` ends.
        Ok(ExportFile { raw: unsafe { out.assume_init() }, _f: PhantomData })
    }

    /// Records the function for these arguments.
    #[track_caller]
    pub(crate) fn add(&self, args: &[&Array], kwargs: &[(&str, &Array)]) -> Result<()> {
        let (args, kwargs) = (ArrayList::of(args.iter().copied())?, Kwargs::of(kwargs)?);
        // MLX writes its own operations only.
        crate::cpu::composed(|| {
            // SAFETY: a live exporter; the lists live until the end of this function.
            call("export_function", || unsafe {
                mlx_sys::mlx_exporter_add(self.raw, args.span(), spans(&kwargs.names), kwargs.values.span())
            })
        })
    }
}

impl Drop for ExportFile<'_> {
    fn drop(&mut self) {
        // SAFETY: the exporter is ours and released once, on its thread.
        unsafe { mlx_sys::mlx_exporter_free(self.raw) };
    }
}

/// Arguments by name for the C API.
pub(super) struct Kwargs<'a> {
    pub(super) names: Vec<mlx_sys::mlx_string>,
    pub(super) values: ArrayList<'a>,
}

impl<'a> Kwargs<'a> {
    /// What this gives borrows from the names as well.
    pub(super) fn of(list: &'a [(&'a str, &'a Array)]) -> Result<Kwargs<'a>> {
        let names: Vec<&str> = list.iter().map(|(name, _)| *name).collect();
        Ok(Kwargs { names: strings(&names)?, values: ArrayList::of(list.iter().map(|(_, value)| *value))? })
    }
}

unsafe extern "C" fn call_kwargs(
    ctx: *mut c_void,
    args: mlx_arrays,
    names: mlx_strings,
    values: mlx_arrays,
    out: *mut mlx_array_vector,
) -> c_int {
    closure::guard(|| {
        // SAFETY: `ctx` came from `ExportFile::new`, whose exporter is being called and keeps it; the rest is MLX's,
        // and there are as many names as values.
        unsafe {
            let kept = Kept::<FunKwargs<'_>>::of(ctx)?;
            let names = (0..names.size).map(|i| text(&*names.data.add(i)));
            let kwargs = names.zip(closure::cloned(values)).collect();
            closure::give(&(kept.f)(&closure::cloned(args), &kwargs)?, out)
        }
    })
}
