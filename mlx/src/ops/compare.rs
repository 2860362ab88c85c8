//! Whether arrays are the same, exactly or nearly.

use super::reduce::reducible;
use crate::{Array, Operand, Result, ffi::ops};

/// How far numbers may differ and still be close: `|a - b| <= atol + rtol · |b|`. The defaults are Python's.
///
/// ```
/// use mlx::ops::Tolerance;
/// let loose = Tolerance { rtol: 1e-2, ..Tolerance::default() };
/// # assert_eq!(loose.atol, 1e-8);
/// ```
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Tolerance {
    /// Relative to the second number; 1e-5 by default.
    pub rtol: f64,
    /// Absolute; 1e-8 by default.
    pub atol: f64,
    /// Whether NaN is close to NaN; not by default.
    pub equal_nan: bool,
}

impl Default for Tolerance {
    fn default() -> Tolerance {
        Tolerance { rtol: 1e-5, atol: 1e-8, equal_nan: false }
    }
}

impl Array {
    /// Which elements are close to those of `rhs`; infinities of one sign are. `Bool`.
    #[track_caller]
    pub fn isclose(&self, rhs: impl Operand, tolerance: Tolerance) -> Result<Array> {
        let rhs = rhs.into_array(self.dtype()?)?;
        ops::isclose(self, &rhs, tolerance.rtol, tolerance.atol, tolerance.equal_nan)
    }

    /// Whether all elements are close to those of `rhs`; a `Bool` scalar.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::Tolerance};
    /// let x = Array::from_slice(&[1.0f32, 2.0], &[2]);
    /// assert!(x.allclose(&x * 1.000001, Tolerance::default())?.item::<bool>()?);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn allclose(&self, rhs: impl Operand, tolerance: Tolerance) -> Result<Array> {
        let rhs = rhs.into_array(self.dtype()?)?;
        ops::allclose(
            &reducible(self)?,
            &reducible(&rhs)?,
            tolerance.rtol,
            tolerance.atol,
            tolerance.equal_nan,
        )
    }

    /// Whether shape and all elements are equal; a `Bool` scalar. NaN is equal to nothing.
    #[track_caller]
    pub fn array_equal(&self, rhs: &Array) -> Result<Array> {
        ops::array_equal(&reducible(self)?, &reducible(rhs)?, false)
    }

    /// As [`Array::array_equal`], but NaN is equal to NaN.
    #[doc(alias = "equal_nan")]
    #[track_caller]
    pub fn array_equal_nan(&self, rhs: &Array) -> Result<Array> {
        ops::array_equal(&reducible(self)?, &reducible(rhs)?, true)
    }
}
