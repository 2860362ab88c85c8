//! Functions in files: what a function computes, for programs that do not have the function.
//!
//! A file holds the operations that a function ran for example arguments, and the arrays it used besides. Rust, Python
//! (`mx.import_function`) and C++ call it; each release of MLX reads the files of its own.

use crate::{Array, Error, ErrorKind, Result, ffi, ffi::export::ExportFile};
use std::{
    collections::BTreeMap,
    ffi::OsString,
    fmt,
    fs::{self, File},
    io::Read,
    path::{Path, PathBuf},
    process,
    sync::atomic::{AtomicU32, Ordering},
};

pub use crate::ffi::import::Imported;

/// Arguments by name, as a function that is exported gets them.
pub type Kwargs = BTreeMap<String, Array>;

/// Writes what `f` computes to the file at `path`, for arguments of the shapes and dtypes of `examples`.
///
/// `f` runs once, to record what it does: it cannot evaluate its arguments, and what it decides or draws on the way is
/// fixed. Arrays that it uses without being passed them are written too; lazy ones as the operations that make them.
/// [`Exporter`] writes several traces, names and metadata.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Dtype, export, export::Imported, ones};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("affine.mlxfn");
/// let bias = Array::from_slice(&[0.5f32, 1.5], &[2]);
/// export::export_function(&path, |x| Ok(vec![&x[0] * 2.0 + &bias]), &[&ones(&[2], Dtype::F32)])?;
///
/// // SAFETY: this program has just written the file.
/// let affine = unsafe { Imported::load(&path)? };
/// let y = affine.call(&[&Array::from_slice(&[1.0f32, 2.0], &[2])])?;
/// assert_eq!(y[0].to_vec::<f32>()?, [2.5, 5.5]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of `f`; an operation that MLX cannot write, such as one of a custom kernel or the loading of weights (evaluate
/// them first); a chain of more than 8000 operations; a file that cannot be written. Then none is.
#[doc(alias = "mx.export_function")]
#[track_caller]
pub fn export_function(
    path: impl AsRef<Path>,
    f: impl Fn(&[Array]) -> Result<Vec<Array>>,
    examples: &[&Array],
) -> Result<()> {
    let mut exporter = Exporter::new(path, f);
    exporter.trace(examples)?;
    exporter.finish()
}

type Fun<'f> = Box<ffi::export::FunKwargs<'f>>;

/// Writes what a function computes for several kinds of arguments to one file, which appears when it is
/// [finished](Exporter::finish).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Dtype, export::{Exporter, Imported}, ones};
/// # let folder = tempfile::tempdir().unwrap();
/// # let path = folder.path().join("scale.mlxfn");
/// let scale = |x: &[Array], named: &mlx::export::Kwargs| match named.get("by") {
///     Some(by) => Ok(vec![&x[0] * by]),
///     None => Ok(vec![&x[0] * 2.0]),
/// };
/// let mut exporter = Exporter::with_kwargs(&path, scale).metadata("version 1");
/// let (x, by) = (ones(&[3], Dtype::F32), Array::scalar(5.0f32));
/// exporter.trace(&[&x])?;
/// exporter.trace_with(&[&x], &[("by", &by)])?;
/// exporter.finish()?;
///
/// // SAFETY: this program has just written the file.
/// let scale = unsafe { Imported::load(&path)? };
/// assert_eq!(scale.call(&[&x])?[0].to_vec::<f32>()?, [2.0; 3]);
/// assert_eq!(scale.call_with(&[&x], &[("by", &by)])?[0].to_vec::<f32>()?, [5.0; 3]);
/// assert_eq!(scale.metadata(), "version 1");
/// # Ok(())
/// # }
/// ```
#[doc(alias = "mx.exporter")]
#[doc(alias = "FunctionExporter")]
pub struct Exporter<'f> {
    path: PathBuf,
    shapeless: bool,
    metadata: String,
    state: State<'f>,
}

enum State<'f> {
    /// Nothing was traced yet, and no file begun.
    New(Fun<'f>),
    Begun(Partial<'f>),
    /// A trace failed: the file is of no use.
    Failed,
}

/// A file under another name, removed on drop unless it has got its own.
struct Partial<'f> {
    file: ExportFile<'f>,
    path: PathBuf,
}

impl Drop for Partial<'_> {
    fn drop(&mut self) {
        // After `finish` there is nothing under that name.
        let _ = fs::remove_file(&self.path);
    }
}

impl<'f> Exporter<'f> {
    /// For a function of arrays by position.
    pub fn new(path: impl AsRef<Path>, f: impl Fn(&[Array]) -> Result<Vec<Array>> + 'f) -> Exporter<'f> {
        Exporter::with_kwargs(path, move |args, _| f(args))
    }

    /// For a function of arrays by position and arrays by name.
    pub fn with_kwargs(
        path: impl AsRef<Path>,
        f: impl Fn(&[Array], &Kwargs) -> Result<Vec<Array>> + 'f,
    ) -> Exporter<'f> {
        let state = State::New(Box::new(f));
        Exporter { path: path.as_ref().to_owned(), shapeless: false, metadata: String::new(), state }
    }

    /// Lets the function be called with arrays of other shapes than it was traced for, of equally many axes.
    ///
    /// Some operations cannot be called so, slices among them; the call reports it. What a shape was used for in Rust
    /// is fixed. Say it before the first trace.
    pub fn shapeless(mut self) -> Self {
        self.shapeless = true;
        self
    }

    /// A text to keep with the function; see [`Imported::metadata`]. Say it before the first trace.
    pub fn metadata(mut self, text: impl Into<String>) -> Self {
        self.metadata = text.into();
        self
    }

    /// Records the function for arguments of these shapes and dtypes.
    ///
    /// # Errors
    /// As [`export_function`]; arguments of a kind that was traced before. Nothing can be traced after.
    #[track_caller]
    pub fn trace(&mut self, args: &[&Array]) -> Result<()> {
        self.trace_with(args, &[])
    }

    /// Records the function for arguments of these shapes and dtypes, some of them by name.
    ///
    /// # Errors
    /// As [`trace`](Exporter::trace); a name that is given twice.
    #[track_caller]
    pub fn trace_with(&mut self, args: &[&Array], kwargs: &[(&str, &Array)]) -> Result<()> {
        let partial = match std::mem::replace(&mut self.state, State::Failed) {
            State::New(f) => self.begin(f)?,
            State::Begun(partial) => partial,
            State::Failed => return Err(Error::invalid(OP, "an earlier trace has failed")),
        };
        partial.file.add(args, kwargs)?;
        self.state = State::Begun(partial);
        Ok(())
    }

    #[track_caller]
    fn begin(&self, f: Fun<'f>) -> Result<Partial<'f>> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let mut name = OsString::from(self.path.file_name().unwrap_or_default());
        name.push(format!(".{}-{}.partial", process::id(), COUNT.fetch_add(1, Ordering::Relaxed)));
        let path = self.path.with_file_name(name);
        let file = ExportFile::new(utf8(&path)?, f, self.shapeless, &self.metadata)?;
        Ok(Partial { file, path })
    }

    /// Puts the file in its place, over one that is there.
    ///
    /// # Errors
    /// A file without traces, or one that cannot be put there.
    #[track_caller]
    pub fn finish(self) -> Result<()> {
        match self.state {
            State::New(_) => Err(Error::invalid(OP, "nothing was traced")),
            State::Failed => Err(Error::invalid(OP, "a trace has failed")),
            State::Begun(partial) => fs::rename(&partial.path, &self.path)
                .map_err(|error| io_error(OP, &self.path, &error.to_string())),
        }
    }
}

impl fmt::Debug for Exporter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exporter").field("path", &self.path).finish_non_exhaustive()
    }
}

const OP: &str = "export_function";

/// The path of a file that starts with the version of this MLX, patches aside.
#[track_caller]
pub(crate) fn check_version(path: &Path) -> Result<&str> {
    const OP: &str = "import_function";
    let failed = |text: &str| io_error(OP, path, text);
    let mut file = File::open(path).map_err(|error| failed(&error.to_string()))?;
    let written_by = read_version(&mut file).ok_or_else(|| failed("this is no exported function of MLX"))?;
    let version = ffi::import::version()?;
    if release(&written_by) == release(&version) {
        return utf8(path);
    }
    Err(failed(&format!("it was written by MLX {written_by} and has to be exported again by MLX {version}")))
}

/// The text that files begin with: its length, and three numbers.
fn read_version(file: &mut File) -> Option<String> {
    let mut length = [0; 8];
    file.read_exact(&mut length).ok()?;
    let length = usize::try_from(u64::from_le_bytes(length)).ok().filter(|length| *length <= 64)?;
    let mut text = vec![0; length];
    file.read_exact(&mut text).ok()?;
    let text = String::from_utf8(text).ok()?;
    let starts_with_numbers =
        text.split('.').take(3).filter(|part| part.starts_with(|c: char| c.is_ascii_digit()));
    (starts_with_numbers.count() == 3).then_some(text)
}

/// Major and minor version, between which the format changes.
fn release(version: &str) -> Option<&str> {
    let (release, _patch) = version.match_indices('.').nth(1).map(|(at, _)| version.split_at(at))?;
    Some(release)
}

#[track_caller]
fn utf8(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| io_error(OP, path, "MLX needs a path in UTF-8"))
}

#[track_caller]
fn io_error(op: &'static str, path: &Path, text: &str) -> Error {
    Error::new(ErrorKind::Io, op, format!("{}: {text}", path.display()))
}
