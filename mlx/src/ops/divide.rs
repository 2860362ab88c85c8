//! Division with a whole quotient, which no integers can crash.
//!
//! On the CPU, MLX divides integers as the machine does, and the machine traps on the lowest one divided by -1. That
//! quotient wraps around to the dividend, and the remainder is 0, whatever the device.

use crate::{Array, Dtype, Operand, Result, ffi::ops, promote_types};

impl Array {
    /// `self / rhs`, rounded towards negative infinity. An integer divided by zero gives 0.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[7, -7, 5], &[3]);
    /// assert_eq!(x.floor_divide(2)?.to_vec::<i32>()?, [3, -4, 2]);
    /// assert_eq!(x.remainder(2)?.to_vec::<i32>()?, [1, 1, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn floor_divide(&self, rhs: impl Operand) -> Result<Array> {
        let rhs = rhs.into_array(self.dtype()?)?;
        match without_minus_one(self, &rhs)? {
            Some(Divisor { is_minus_one, safe }) => {
                let quotient = ops::floor_divide(self, &safe)?;
                is_minus_one.where_(self.astype(quotient.dtype()?)?.negative()?, &quotient)
            }
            None => ops::floor_divide(self, &rhs),
        }
    }

    /// The remainder of [`Array::floor_divide`], with the sign of `rhs`, as Python's `%`. An integer divided by zero
    /// gives the integer.
    #[track_caller]
    pub fn remainder(&self, rhs: impl Operand) -> Result<Array> {
        let rhs = rhs.into_array(self.dtype()?)?;
        match without_minus_one(self, &rhs)? {
            // Nothing remains of a division by 1, either.
            Some(divisor) => ops::remainder(self, &divisor.safe),
            None => ops::remainder(self, &rhs),
        }
    }

    /// [`Array::floor_divide`] and [`Array::remainder`].
    #[track_caller]
    pub fn divmod(&self, rhs: impl Operand) -> Result<(Array, Array)> {
        // Not MLX's own, which traps on zero.
        let rhs = rhs.into_array(self.dtype()?)?;
        Ok((self.floor_divide(&rhs)?, self.remainder(&rhs)?))
    }
}

/// A divisor with 1 in the places of -1.
struct Divisor {
    is_minus_one: Array,
    safe: Array,
}

/// The divisor of integers that are wide enough to trap: those below 32 bits are divided as `i32`.
#[track_caller]
fn without_minus_one(dividend: &Array, divisor: &Array) -> Result<Option<Divisor>> {
    let dtype = promote_types(dividend.dtype()?, divisor.dtype()?)?;
    if !matches!(dtype, Dtype::I32 | Dtype::I64) || divisor.dtype()?.is_unsigned() {
        return Ok(None);
    }
    let is_minus_one = divisor.equal(-1)?;
    let safe = is_minus_one.where_(1, divisor)?;
    Ok(Some(Divisor { is_minus_one, safe }))
}
