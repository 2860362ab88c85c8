//! Arrays as text: `{}` and `{:?}` print what Python's MLX prints.

use crate::{Array, Dtype, Result, ffi};
use std::fmt;

/// More decimals than any `f64` has.
const MOST_DECIMALS: usize = 1074;

/// How arrays are printed; see [`set_printoptions`].
#[doc(alias = "printoptions")]
#[doc(alias = "get_printoptions")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PrintOptions {
    decimals: Option<usize>,
}

impl PrintOptions {
    /// Floating-point numbers get this many decimals instead of six significant digits.
    pub fn precision(self, decimals: usize) -> PrintOptions {
        PrintOptions { decimals: Some(decimals) }
    }
}

/// Sets how the whole process prints arrays. For one place, a precision does: `{:.2}`.
///
/// ```standalone_crate
/// # fn main() -> mlx::Result<()> {
/// let x = mlx::Array::from_slice(&[2.0f32, 0.125], &[2]);
/// assert_eq!(x.to_string(), "array([2, 0.125], dtype=float32)");
/// assert_eq!(format!("{x:.2}"), "array([2.00, 0.12], dtype=float32)");
/// mlx::set_printoptions(mlx::PrintOptions::default().precision(1))?;
/// assert_eq!(x.to_string(), "array([2.0, 0.1], dtype=float32)");
/// # Ok(())
/// # }
/// ```
pub fn set_printoptions(options: PrintOptions) -> Result<()> {
    ffi::print::set_decimals(options.decimals.map(as_c))
}

fn as_c(decimals: usize) -> i32 {
    decimals.min(MOST_DECIMALS) as i32
}

/// The elements and the dtype as Python prints them, long axes abbreviated: `array([1, 2], dtype=int32)`.
///
/// Evaluates, unless the array is being traced by a transformation: then, as after a failure, what is known is
/// printed instead, and never anything panics. A precision is the number of decimals: `{:.2}`.
impl fmt::Display for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let handle = match self.handle() {
            Ok(handle) => handle,
            Err(error) => return write!(f, "array(failed: {error})"),
        };
        let (shape, dtype) = (handle.shape(), Dtype::from_code(handle.dtype()));
        if handle.is_tracer() {
            return write!(f, "array(traced, shape={shape:?}, dtype={dtype})");
        }
        match ffi::print::text(self, f.precision().map(as_c)) {
            Ok(text) => f.write_str(&text),
            // Without the place: it would be that of this function.
            Err(error) => {
                let (op, text) = (error.op(), error.message());
                write!(f, "array(failed: {op}: {text}, shape={shape:?}, dtype={dtype})")
            }
        }
    }
}

/// As [`Display`](fmt::Display): evaluates, and prints the elements.
impl fmt::Debug for Array {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}
