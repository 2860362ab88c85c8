//! Element types.

use half::{bf16, f16};
use num_complex::Complex32;
use std::fmt;

macro_rules! dtypes {
    ($($(#[$doc:meta])* $variant:ident = $code:literal, $name:literal, $size:literal;)*) => {
        /// The type of an array's elements.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(i32)]
        pub enum Dtype { $($(#[$doc])* $variant = $code,)* }

        impl Dtype {
            /// All element types.
            pub const ALL: &[Dtype] = &[$(Dtype::$variant),*];

            /// The name Python's MLX uses, e.g. `"bfloat16"`.
            pub const fn name(self) -> &'static str {
                match self { $(Dtype::$variant => $name),* }
            }

            /// Bytes of one element.
            #[doc(alias = "itemsize")]
            pub const fn size(self) -> usize {
                match self { $(Dtype::$variant => $size),* }
            }
        }
    };
}

dtypes! {
    /// True or false, one byte.
    #[doc(alias = "bool_")]
    Bool = 0, "bool", 1;
    /// 8-bit unsigned integer.
    #[doc(alias = "uint8")]
    U8 = 1, "uint8", 1;
    /// 16-bit unsigned integer.
    #[doc(alias = "uint16")]
    U16 = 2, "uint16", 2;
    /// 32-bit unsigned integer.
    #[doc(alias = "uint32")]
    U32 = 3, "uint32", 4;
    /// 64-bit unsigned integer.
    #[doc(alias = "uint64")]
    U64 = 4, "uint64", 8;
    /// 8-bit signed integer.
    #[doc(alias = "int8")]
    I8 = 5, "int8", 1;
    /// 16-bit signed integer.
    #[doc(alias = "int16")]
    I16 = 6, "int16", 2;
    /// 32-bit signed integer.
    #[doc(alias = "int32")]
    I32 = 7, "int32", 4;
    /// 64-bit signed integer.
    #[doc(alias = "int64")]
    I64 = 8, "int64", 8;
    /// IEEE half precision.
    #[doc(alias = "float16")]
    F16 = 9, "float16", 2;
    /// IEEE single precision.
    #[doc(alias = "float32")]
    F32 = 10, "float32", 4;
    /// IEEE double precision; on the CPU only.
    #[doc(alias = "float64")]
    F64 = 11, "float64", 8;
    /// Brain float: the upper half of a single.
    #[doc(alias = "bfloat16")]
    Bf16 = 12, "bfloat16", 2;
    /// Complex number of two singles.
    #[doc(alias = "complex64")]
    C64 = 13, "complex64", 8;
}

impl Dtype {
    /// Real floating point.
    pub const fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::F32 | Dtype::F64 | Dtype::Bf16)
    }

    /// Signed or unsigned integer, without `Bool`.
    pub const fn is_integer(self) -> bool {
        !self.is_float() && !matches!(self, Dtype::Bool | Dtype::C64)
    }

    /// Unsigned integer.
    pub const fn is_unsigned(self) -> bool {
        matches!(self, Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64)
    }

    pub(crate) fn from_code(code: i32) -> Dtype {
        // The codes are MLX's own, in this table's order; the C API checks its enum against MLX's at compile time.
        Dtype::ALL.get(code as usize).copied().unwrap_or(Dtype::F32)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

mod sealed {
    pub trait Sealed {}
}

/// A Rust type that is an array's element.
pub trait Element: Copy + sealed::Sealed + 'static {
    /// The array type that holds it.
    const DTYPE: Dtype;
}

macro_rules! elements {
    ($($ty:ty => $dtype:ident),* $(,)?) => { $(
        impl sealed::Sealed for $ty {}
        impl Element for $ty {
            const DTYPE: Dtype = Dtype::$dtype;
        }
    )* };
}

elements! {
    bool => Bool, u8 => U8, u16 => U16, u32 => U32, u64 => U64, i8 => I8, i16 => I16, i32 => I32, i64 => I64,
    f16 => F16, f32 => F32, f64 => F64, bf16 => Bf16, Complex32 => C64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_the_table_order() {
        for (code, dtype) in Dtype::ALL.iter().enumerate() {
            assert_eq!(*dtype as usize, code);
            assert_eq!(Dtype::from_code(code as i32), *dtype);
        }
    }
}
