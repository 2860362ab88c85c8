//! One opaque error: its kind, the operation, MLX's text and the caller's line.

use std::{fmt, panic::Location, sync::Arc};

/// Result of every fallible function of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can decide on.
#[non_exhaustive]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorKind {
    /// Shapes, dtypes or arguments that the operation does not accept.
    InvalidArgument,
    /// Evaluation failed in the backend.
    Backend,
    /// Memory could not be allocated.
    OutOfMemory,
    /// A file could not be read or written, or is corrupt.
    Io,
    /// A checkpoint does not match the model.
    Weights,
    /// A function given to a transform failed.
    Callback,
}

/// Why an operation failed. One pointer wide and cheap to clone, so that an [`Array`](crate::Array) can carry it.
///
/// ```
/// use mlx::{Array, ErrorKind};
/// let sum = Array::from_slice(&[1.0f32, 2.0], &[2]) + Array::from_slice(&[1.0f32, 2.0, 3.0], &[3]);
/// let error = sum.to_vec::<f32>().unwrap_err();
/// assert_eq!(error.kind(), ErrorKind::InvalidArgument);
/// assert_eq!(error.op(), "add");
/// ```
#[derive(Clone)]
pub struct Error(Arc<Inner>);

struct Inner {
    kind: ErrorKind,
    op: &'static str,
    message: String,
    location: &'static Location<'static>,
}

impl Error {
    /// An error of `op`, located at the caller.
    #[track_caller]
    pub fn new(kind: ErrorKind, op: &'static str, message: impl Into<String>) -> Error {
        Error(Arc::new(Inner { kind, op, message: message.into(), location: Location::caller() }))
    }

    #[track_caller]
    pub(crate) fn invalid(op: &'static str, message: impl Into<String>) -> Error {
        Error::new(ErrorKind::InvalidArgument, op, message)
    }

    /// The error with the place `to`, if it was made in the source of this crate; errors of the user's functions keep
    /// their places.
    pub(crate) fn moved(self, to: &'static Location<'static>) -> Error {
        let source = file!().trim_end_matches("error.rs");
        if !self.0.location.file().starts_with(source) {
            return self;
        }
        let (kind, op, message) = (self.0.kind, self.0.op, self.0.message.clone());
        Error(Arc::new(Inner { kind, op, message, location: to }))
    }

    /// What went wrong, coarsely.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The operation that failed, e.g. `"matmul"`.
    pub fn op(&self) -> &'static str {
        self.0.op
    }

    /// The text without operation and place.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// Where in the user's code the operation was called.
    pub fn location(&self) -> &'static Location<'static> {
        self.0.location
    }
}

/// The result, with an error that was made in the source of this crate reported at the caller's line.
///
/// For where the compiler cannot pass the caller's line on: closures, trait objects, functions that MLX calls.
#[track_caller]
pub(crate) fn at_caller<T>(result: Result<T>) -> Result<T> {
    let place = Location::caller();
    result.map_err(|error| error.moved(place))
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {} ({})", self.0.op, self.0.message, self.0.location)
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for Error {}
