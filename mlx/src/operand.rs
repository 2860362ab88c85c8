//! What may stand on the right of a binary operation, and the operators.

use crate::{Array, Dtype, Result, ffi, ffi::Scalar};
use half::{bf16, f16};
use std::ops;

/// The right-hand side of a binary operation: an array, or a host scalar.
///
/// Host scalars are weakly typed, as in Python: they take the array's dtype, so a `bf16` array times `2.0` stays
/// `bf16`. A float on an integer array promotes it to `f32`, an integer on a `bool` array to `i32`.
pub trait Operand {
    /// The operand as an array for an operation with an array of dtype `like`.
    fn into_array(self, like: Dtype) -> Result<Array>;
}

impl Operand for &Array {
    fn into_array(self, _like: Dtype) -> Result<Array> {
        Ok(self.clone())
    }
}

impl Operand for Array {
    fn into_array(self, _like: Dtype) -> Result<Array> {
        Ok(self)
    }
}

impl Operand for bool {
    #[track_caller]
    fn into_array(self, like: Dtype) -> Result<Array> {
        match like {
            Dtype::Bool => ffi::scalar(Scalar::Bool(self), like),
            _ => ffi::scalar(Scalar::Int(self.into()), like),
        }
    }
}

macro_rules! scalars {
    ($($ty:ty => $variant:ident($into:ty), $dtype:expr;)*) => { $(
        impl Operand for $ty {
            #[track_caller]
            fn into_array(self, like: Dtype) -> Result<Array> {
                let dtype: fn(Dtype) -> Dtype = $dtype;
                ffi::scalar(Scalar::$variant(<$into>::from(self)), dtype(like))
            }
        }
    )* };
}

scalars! {
    i32 => Int(i64), of_int;
    i64 => Int(i64), of_int;
    u32 => Int(i64), of_int;
    f32 => Float(f64), of_float;
    f64 => Float(f64), of_float;
    f16 => Float(f64), of_float;
    bf16 => Float(f64), of_float;
}

/// The dtype an integer takes beside an array of dtype `like`.
fn of_int(like: Dtype) -> Dtype {
    if like == Dtype::Bool { Dtype::I32 } else { like }
}

/// The dtype a float takes beside an array of dtype `like`.
fn of_float(like: Dtype) -> Dtype {
    if like.is_float() || like == Dtype::C64 { like } else { Dtype::F32 }
}

macro_rules! operators {
    ($($trait:ident $method:ident => $op:ident;)*) => { $(
        impl<R: Operand> ops::$trait<R> for &Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: R) -> Array {
                Array::from_result(Array::$op(self, rhs))
            }
        }

        impl<R: Operand> ops::$trait<R> for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: R) -> Array {
                Array::from_result(Array::$op(&self, rhs))
            }
        }

        scalar_on_the_left! { $trait $method $op: i32 f32 }
    )* };
}

/// One integer and one float type, so that the type of a literal is never in question: `2.0 / x`.
macro_rules! scalar_on_the_left {
    ($trait:ident $method:ident $op:ident: $($ty:ty)*) => { $(
        impl ops::$trait<&Array> for $ty {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: &Array) -> Array {
                Array::from_result(rhs.dtype().and_then(|like| Array::$op(&self.into_array(like)?, rhs)))
            }
        }

        impl ops::$trait<Array> for $ty {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: Array) -> Array {
                ops::$trait::$method(self, &rhs)
            }
        }
    )* };
}

operators! {
    Add add => add;
    Sub sub => subtract;
    Mul mul => multiply;
    Div div => divide;
    Rem rem => remainder;
}

impl ops::Neg for &Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        Array::from_result(self.negative())
    }
}

impl ops::Neg for Array {
    type Output = Array;
    #[track_caller]
    fn neg(self) -> Array {
        -&self
    }
}
