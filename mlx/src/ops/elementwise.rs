//! One result per element; operands broadcast.

use crate::{Array, Dtype, Operand, Result, ffi::ops};

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
    /// The next integer towards positive infinity.
    ceil;
    /// Cosine of radians.
    cos;
    /// Gauss's error function.
    erf;
    /// e to the power of each element.
    exp;
    /// `exp(x) - 1`, accurate near zero.
    expm1;
    /// The next integer towards negative infinity.
    floor;
    /// Neither infinite nor NaN; `Bool`.
    isfinite;
    /// Positive or negative infinity; `Bool`.
    isinf;
    /// Not a number; `Bool`.
    isnan;
    /// Natural logarithm.
    log;
    /// `log(1 + x)`, accurate near zero.
    log1p;
    /// Zero or false; `Bool`.
    logical_not;
    /// `-x`.
    negative;
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
    /// Square root.
    sqrt;
    /// `x * x`.
    square;
    /// Hyperbolic tangent.
    tanh;
}

macro_rules! binary {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, rhs: impl Operand) -> Result<Array> {
                ops::$name(self, &rhs.into_array(self.dtype()?)?)
            }
        )* }
    };
}

binary! {
    /// `self + rhs`, with the error at once where the operator defers it.
    add;
    /// `self / rhs`; integers divide as `f32`.
    divide;
    /// `self == rhs`; `Bool`.
    equal;
    /// `self > rhs`; `Bool`.
    greater;
    /// `self >= rhs`; `Bool`.
    greater_equal;
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
    /// The larger; NaN if one is NaN.
    maximum;
    /// The smaller; NaN if one is NaN.
    minimum;
    /// `self * rhs`.
    multiply;
    /// `self != rhs`; `Bool`.
    not_equal;
    /// `self` to the power of `rhs`.
    power;
    /// The remainder with the sign of `rhs`, as Python's `%`.
    remainder;
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
    #[track_caller]
    pub fn where_(&self, x: impl Operand, y: &Array) -> Result<Array> {
        ops::where_(self, &x.into_array(y.dtype()?)?, y)
    }

    /// The elements converted to `dtype`.
    #[track_caller]
    pub fn astype(&self, dtype: Dtype) -> Result<Array> {
        ops::astype(self, dtype)
    }

    /// The same bytes read as `dtype`; the last dimension grows or shrinks with the element's size.
    #[track_caller]
    pub fn view(&self, dtype: Dtype) -> Result<Array> {
        ops::view(self, dtype)
    }
}
