//! One result per element; operands broadcast.

use crate::{Array, Operand, Result, cpu, ffi::ops};

macro_rules! unary {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self) -> Result<Array> {
                ops::$name(self)
            }
        )* }
    };
}

unary! {
    /// Absolute value.
    abs;
    /// The angle in radians with this cosine.
    #[doc(alias = "acos")]
    arccos;
    /// Inverse hyperbolic cosine.
    #[doc(alias = "acosh")]
    arccosh;
    /// The angle in radians with this sine.
    #[doc(alias = "asin")]
    arcsin;
    /// Inverse hyperbolic sine.
    #[doc(alias = "asinh")]
    arcsinh;
    /// The angle in radians with this tangent.
    #[doc(alias = "atan")]
    arctan;
    /// Inverse hyperbolic tangent.
    #[doc(alias = "atanh")]
    arctanh;
    /// All bits of an integer flipped, or of `Bool` the truth; also `!x`.
    bitwise_invert;
    /// The next integer towards positive infinity.
    ceil;
    /// The complex conjugate; a real number itself.
    #[doc(alias = "conj")]
    conjugate;
    /// Cosine of radians.
    cos;
    /// Hyperbolic cosine.
    cosh;
    /// Radians as degrees.
    degrees;
    /// Gauss's error function.
    erf;
    /// The inverse of the error function.
    erfinv;
    /// e to the power of each element.
    exp;
    /// `exp(x) - 1`, accurate near zero.
    expm1;
    /// The next integer towards negative infinity.
    floor;
    /// The imaginary part, `F32`; zeros for a real array, of its dtype.
    imag;
    /// Neither infinite nor NaN; `Bool`.
    isfinite;
    /// Positive or negative infinity; `Bool`.
    isinf;
    /// Not a number; `Bool`.
    isnan;
    /// Negative infinity; `Bool`.
    isneginf;
    /// Positive infinity; `Bool`.
    isposinf;
    /// Natural logarithm.
    log;
    /// Logarithm to base 10.
    log10;
    /// `log(1 + x)`, accurate near zero.
    log1p;
    /// Logarithm to base 2.
    log2;
    /// Zero or false; `Bool`.
    logical_not;
    /// `-x`.
    negative;
    /// Degrees as radians.
    radians;
    /// The real part, `F32`; a real array itself.
    real;
    /// `1 / x`.
    reciprocal;
    /// `1 / sqrt(x)`.
    rsqrt;
    /// `1 / (1 + exp(-x))`.
    sigmoid;
    /// -1, 0 or 1.
    sign;
    /// Sine of radians.
    sin;
    /// Hyperbolic sine.
    sinh;
    /// Square root.
    sqrt;
    /// `x * x`.
    square;
    /// Tangent of radians.
    tan;
    /// Hyperbolic tangent.
    tanh;
    /// The integer part.
    trunc;
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, rhs: impl Operand) -> Result<Array> {
                ops::$name(self, &*rhs.to_array(self.dtype()?)?)
            }
        )* }
    };
}

impl Array {
    /// `self + rhs`, with the error at once where the operator defers it.
    #[track_caller]
    pub fn add(&self, rhs: impl Operand) -> Result<Array> {
        let rhs = rhs.to_array(self.dtype()?)?;
        match cpu::added(self, &rhs)? {
            Some(sum) => Ok(sum),
            None => ops::add(self, &rhs),
        }
    }
}

binary! {
    /// The angle of the point (`rhs`, `self`), in radians.
    #[doc(alias = "atan2")]
    arctan2;
    /// Bits set in both; also `a & b`.
    bitwise_and;
    /// Bits set in one; also `a | b`.
    bitwise_or;
    /// Bits set in exactly one; also `a ^ b`.
    bitwise_xor;
    /// `self / rhs`; integers divide as `f32`.
    divide;
    /// `self == rhs`; `Bool`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 2, 3], &[3]);
    /// assert_eq!(x.equal(2)?.to_vec::<bool>()?, [false, true, false]);
    /// # Ok(())
    /// # }
    /// ```
    equal;
    /// `self > rhs`; `Bool`.
    greater;
    /// `self >= rhs`; `Bool`.
    greater_equal;
    /// Bits moved up by `rhs` places; also `a << b`. Of more places than there are bits, the result is unspecified.
    #[doc(alias = "bitwise_left_shift")]
    left_shift;
    /// `self < rhs`; `Bool`.
    less;
    /// `self <= rhs`; `Bool`.
    less_equal;
    /// `log(exp(self) + exp(rhs))`, without overflow.
    logaddexp;
    /// Both are true or non-zero; `Bool`.
    logical_and;
    /// One is true or non-zero; `Bool`.
    logical_or;
    /// Exactly one is true or non-zero; `Bool`.
    logical_xor;
    /// The larger; NaN if one is NaN.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[-1.0f32, 2.0], &[2]);
    /// assert_eq!(x.maximum(0.0)?.to_vec::<f32>()?, [0.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    maximum;
    /// The smaller; NaN if one is NaN.
    minimum;
    /// `self * rhs`.
    multiply;
    /// `self != rhs`; `Bool`.
    not_equal;
    /// `self` to the power of `rhs`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[2.0f32, 3.0], &[2]);
    /// assert_eq!(x.power(2)?.to_vec::<f32>()?, [4.0, 9.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "pow")]
    power;
    /// Bits moved down by `rhs` places; also `a >> b`. Of more places than there are bits, the result is unspecified.
    #[doc(alias = "bitwise_right_shift")]
    right_shift;
    /// `self - rhs`.
    subtract;
}

impl Array {
    /// Where this `Bool` array is true the element of `x`, elsewhere that of `y`. A scalar takes the dtype of the other.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[-1.0f32, 2.0], &[2]);
    /// assert_eq!(x.less(0.0)?.where_(0.0, &x)?.to_vec::<f32>()?, [0.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "where")]
    #[doc(alias = "mx.where")]
    #[track_caller]
    pub fn where_(&self, x: impl Operand, y: &Array) -> Result<Array> {
        ops::where_(self, &x.into_array(y.dtype()?)?, y)
    }

    /// Elements below `low` become `low`, those above `high` become `high`. For one bound alone, [`Array::maximum`] or
    /// [`Array::minimum`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[-2, 0, 2], &[3]);
    /// assert_eq!(x.clip(-1, 1)?.to_vec::<i32>()?, [-1, 0, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn clip(&self, low: impl Operand, high: impl Operand) -> Result<Array> {
        let dtype = self.dtype()?;
        ops::clip(self, Some(&low.into_array(dtype)?), Some(&high.into_array(dtype)?))
    }

    /// The nearest multiple of `10^-decimals`; halves go to the even neighbour.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[0.5f32, 1.5, 2.345], &[3]);
    /// assert_eq!(x.round(0)?.to_vec::<f32>()?, [0.0, 2.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn round(&self, decimals: i32) -> Result<Array> {
        ops::round(self, decimals)
    }

    /// The array with NaN and infinities replaced: `x.nan_to_num(0.0)`, or each as [`NonFinite`] says.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::NonFinite};
    /// let x = Array::from_slice(&[f32::NAN, f32::INFINITY, 1.0], &[3]);
    /// assert_eq!(x.nan_to_num(0.0)?.to_vec::<f32>()?, [0.0, f32::MAX, 1.0]);
    /// assert_eq!(x.nan_to_num(NonFinite::default().posinf(9.0))?.to_vec::<f32>()?, [0.0, 9.0, 1.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn nan_to_num(&self, replacements: impl Into<NonFinite>) -> Result<Array> {
        let NonFinite { nan, posinf, neginf } = replacements.into();
        ops::nan_to_num(self, nan, posinf, neginf)
    }
}

/// What [`Array::nan_to_num`] puts in place of numbers that are not finite: by default 0 for NaN, and for infinities
/// the highest and the lowest finite number of the dtype.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct NonFinite {
    nan: f32,
    posinf: Option<f32>,
    neginf: Option<f32>,
}

impl NonFinite {
    /// In place of positive infinity.
    pub fn posinf(self, value: f32) -> NonFinite {
        NonFinite { posinf: Some(value), ..self }
    }

    /// In place of negative infinity.
    pub fn neginf(self, value: f32) -> NonFinite {
        NonFinite { neginf: Some(value), ..self }
    }
}

/// In place of NaN; infinities become the outermost finite numbers.
impl From<f32> for NonFinite {
    fn from(nan: f32) -> NonFinite {
        NonFinite { nan, ..NonFinite::default() }
    }
}
