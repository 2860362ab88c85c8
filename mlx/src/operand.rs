//! What may stand on the right of a binary operation.

use crate::{Array, Dtype, Error, Result, ffi, ffi::Scalar};
use half::{bf16, f16};
use num_complex::Complex32;
use std::borrow::Cow;

/// The right-hand side of a binary operation: an array, or a host scalar.
///
/// Host scalars are weakly typed, as in Python: they take the array's dtype, so a `bf16` array times `2.0` stays
/// `bf16`. A float on an integer array promotes it to `f32`, an integer on a `bool` array to `i32`, a complex number
/// any array to `C64`. An integer that the array's integer type cannot hold wraps around, as in Python.
pub trait Operand {
    /// The operand as an array for an operation with an array of dtype `like`.
    #[track_caller]
    fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>>;

    /// [`Operand::to_array`] by value.
    #[track_caller]
    fn into_array(self, like: Dtype) -> Result<Array>
    where
        Self: Sized,
    {
        Ok(self.to_array(like)?.into_owned())
    }
}

impl Operand for &Array {
    fn to_array(&self, _like: Dtype) -> Result<Cow<'_, Array>> {
        Ok(Cow::Borrowed(self))
    }
}

impl Operand for Array {
    fn to_array(&self, _like: Dtype) -> Result<Cow<'_, Array>> {
        Ok(Cow::Borrowed(self))
    }
}

impl Operand for bool {
    #[track_caller]
    fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>> {
        match like {
            Dtype::Bool => ffi::scalar(Scalar::Bool(*self), like).map(Cow::Owned),
            _ => ffi::scalar(Scalar::Int((*self).into()), like).map(Cow::Owned),
        }
    }
}

macro_rules! scalars {
    ($($ty:ty => $variant:ident($into:ty), $dtype:expr;)*) => { $(
        impl Operand for $ty {
            #[track_caller]
            fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>> {
                let dtype: fn(Dtype) -> Dtype = $dtype;
                ffi::scalar(Scalar::$variant(<$into>::from(*self)), dtype(like)).map(Cow::Owned)
            }
        }
    )* };
}

scalars! {
    i8 => Int(i64), of_int;
    i16 => Int(i64), of_int;
    i32 => Int(i64), of_int;
    i64 => Int(i64), of_int;
    u8 => Int(i64), of_int;
    u16 => Int(i64), of_int;
    u32 => Int(i64), of_int;
    f32 => Float(f64), of_float;
    f64 => Float(f64), of_float;
    f16 => Float(f64), of_float;
    bf16 => Float(f64), of_float;
    Complex32 => Complex(Complex32), |_| Dtype::C64;
}

/// The dtype an integer takes beside an array of dtype `like`.
fn of_int(like: Dtype) -> Dtype {
    if like == Dtype::Bool { Dtype::I32 } else { like }
}

/// The dtype a float takes beside an array of dtype `like`.
fn of_float(like: Dtype) -> Dtype {
    if like.is_float() || like == Dtype::C64 { like } else { Dtype::F32 }
}

impl Operand for u64 {
    /// Beside an array of another type than `U64`, a number above `i64::MAX` is an error.
    #[track_caller]
    fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>> {
        match i64::try_from(*self) {
            Ok(value) => value.into_array(like).map(Cow::Owned),
            Err(_) if like == Dtype::U64 => Ok(Cow::Owned(Array::scalar(*self))),
            Err(_) => Err(Error::invalid("operand", format!("{self} is too large beside a {like} array"))),
        }
    }
}

impl Operand for usize {
    /// As `u64`.
    #[track_caller]
    fn to_array(&self, like: Dtype) -> Result<Cow<'_, Array>> {
        (*self as u64).into_array(like).map(Cow::Owned)
    }
}
