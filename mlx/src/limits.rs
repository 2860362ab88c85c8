//! What the numbers of an element type can hold.

use crate::{Dtype, Result, ffi};

/// The numbers of a floating-point type; of a part of a complex number for `C64`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FloatInfo {
    /// Bits of one number.
    pub bits: u32,
    /// The lowest finite number.
    pub min: f64,
    /// The highest finite number.
    pub max: f64,
    /// The distance from 1 to the next number.
    pub eps: f64,
    /// The smallest positive number of full precision.
    pub smallest_normal: f64,
}

/// The numbers of an integer type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IntInfo {
    /// The lowest.
    pub min: i64,
    /// The highest.
    pub max: u64,
}

impl Dtype {
    /// The limits of a floating-point type; an error for other types.
    ///
    /// ```
    /// assert_eq!(mlx::Dtype::F32.finfo()?.eps, f64::from(f32::EPSILON));
    /// # Ok::<(), mlx::Error>(())
    /// ```
    #[track_caller]
    pub fn finfo(self) -> Result<FloatInfo> {
        ffi::dtype::finfo(self)
    }

    /// The limits of an integer type; an error for other types.
    ///
    /// ```
    /// assert_eq!(mlx::Dtype::I8.iinfo()?.min, -128);
    /// # Ok::<(), mlx::Error>(())
    /// ```
    #[track_caller]
    pub fn iinfo(self) -> Result<IntInfo> {
        ffi::dtype::iinfo(self)
    }
}
