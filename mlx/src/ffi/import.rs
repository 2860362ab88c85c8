//! Functions from files.

use super::{
    args::{Arg, ArrayList},
    call::{Outputs, call},
    export::Kwargs,
    io::{spans, text},
    stream,
};
use crate::{Array, Result, export::check_version};
use mlx_sys::mlx_imported_function;
use std::{fmt, marker::PhantomData, mem::MaybeUninit, path::Path};

/// A function from a file.
///
/// See [`export_function`](crate::export::export_function) for an example.
pub struct Imported {
    raw: mlx_imported_function,
    metadata: String,
    _not_send: PhantomData<*const ()>,
}

impl Imported {
    /// Reads the function in the file at `path`. Arrays in it are read when they are first needed, so the file must
    /// stay as it is.
    ///
    /// # Errors
    /// A file that cannot be read or is no such file, ends early, was written by another release of MLX (the format
    /// changes from one to the next), or has an operation that MLX does not know.
    ///
    /// # Safety
    /// The file is code, and trusted like a library that is loaded. It must be as an exporter of MLX wrote it: MLX runs
    /// the operations in it with the shapes and parameters that it says, and in a file that says wrong ones they read
    /// and write foreign memory. And if it was exported *shapeless*, each call must have arguments of shapes that the
    /// original function would accept, as MLX does not check them again.
    #[doc(alias = "mx.import_function")]
    #[track_caller]
    pub unsafe fn load(path: impl AsRef<Path>) -> Result<Imported> {
        let path = check_version(path.as_ref())?;
        let mut out = MaybeUninit::uninit();
        let path = path.to_c()?;
        // SAFETY: the text outlives the call, which writes `out` when it succeeds; the caller vouches for the file.
        call("import_function", || unsafe { mlx_sys::mlx_import_function(out.as_mut_ptr(), path) })?;
        // SAFETY: the call succeeded, so it wrote `out`.
        let raw = unsafe { out.assume_init() };
        let mut imported = Imported { raw, metadata: String::new(), _not_send: PhantomData };
        let mut metadata = mlx_sys::mlx_string { data: std::ptr::null(), size: 0 };
        // SAFETY: a live function and a valid out-pointer.
        call("import_function", || unsafe { mlx_sys::mlx_imported_function_metadata(&mut metadata, raw) })?;
        imported.metadata = text(&metadata);
        Ok(imported)
    }

    /// The function's outputs for these arguments.
    ///
    /// # Errors
    /// Arguments of shapes or dtypes that no trace in the file is for; the message lists those there are.
    #[track_caller]
    pub fn call(&self, args: &[&Array]) -> Result<Vec<Array>> {
        self.call_with(args, &[])
    }

    /// The function's outputs for these arguments, some of them by name.
    ///
    /// # Errors
    /// As [`call`](Imported::call); a name that is given twice.
    #[track_caller]
    pub fn call_with(&self, args: &[&Array], kwargs: &[(&str, &Array)]) -> Result<Vec<Array>> {
        const OP: &str = "import_function::call";
        let (args, kwargs) = (ArrayList::of(args.iter().copied())?, Kwargs::of(kwargs)?);
        let (names, values) = (spans(&kwargs.names), kwargs.values.span());
        let stream = stream::current(OP)?;
        // SAFETY: a live function of this thread; the lists live until the end of this function. Whoever loaded the
        // function has vouched for what it computes.
        Outputs::of(OP, |out| unsafe {
            mlx_sys::mlx_imported_function_call(out, self.raw, args.span(), names, values, stream)
        })
    }

    /// The text that was given when the file was written; empty if none was.
    pub fn metadata(&self) -> &str {
        &self.metadata
    }
}

impl Drop for Imported {
    fn drop(&mut self) {
        // SAFETY: the function is ours and released once, on its thread.
        unsafe { mlx_sys::mlx_imported_function_free(self.raw) };
    }
}

impl fmt::Debug for Imported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Imported").field("metadata", &self.metadata).finish_non_exhaustive()
    }
}

/// The version of the MLX library in use.
#[track_caller]
pub(crate) fn version() -> Result<String> {
    let mut version = mlx_sys::mlx_string { data: std::ptr::null(), size: 0 };
    // SAFETY: the out-pointer is valid, the text static.
    call("version", || unsafe { mlx_sys::mlx_version(&mut version) })?;
    Ok(text(&version))
}
