//! The operators: `+ - * / %`, `& | ^ << >>`, their assigning forms, `-x` and `!x`.
//!
//! None of them panics: a failure gives an array that carries the error to the next fallible call.

use crate::{Array, Operand, Result};
use std::ops;

/// Rows of `Trait method, AssignTrait method => operation, types of scalars on the left`.
///
/// The scalars are one integer and one float type at most, so that the type of a literal is never in question:
/// `2.0 / x`.
macro_rules! operators {
    ($($trait:ident $method:ident, $assign:ident $assign_method:ident => $op:ident, [$($scalar:ty)*];)*) => { $(
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

        impl<R: Operand> ops::$assign<R> for Array {
            #[track_caller]
            fn $assign_method(&mut self, rhs: R) {
                *self = Array::from_result(Array::$op(self, rhs));
            }
        }

        scalars_on_the_left! { $trait $method $op: $($scalar)* }
    )* };
}

macro_rules! scalars_on_the_left {
    ($trait:ident $method:ident $op:ident: $($scalar:ty)*) => { $(
        impl ops::$trait<&Array> for $scalar {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: &Array) -> Array {
                #[track_caller]
                fn apply(lhs: $scalar, rhs: &Array) -> Result<Array> {
                    Array::$op(&lhs.into_array(rhs.dtype()?)?, rhs)
                }
                Array::from_result(apply(self, rhs))
            }
        }

        impl ops::$trait<Array> for $scalar {
            type Output = Array;
            #[track_caller]
            fn $method(self, rhs: Array) -> Array {
                ops::$trait::$method(self, &rhs)
            }
        }
    )* };
}

operators! {
    Add add, AddAssign add_assign => add, [i32 f32];
    Sub sub, SubAssign sub_assign => subtract, [i32 f32];
    Mul mul, MulAssign mul_assign => multiply, [i32 f32];
    Div div, DivAssign div_assign => divide, [i32 f32];
    Rem rem, RemAssign rem_assign => remainder, [i32 f32];
    BitAnd bitand, BitAndAssign bitand_assign => bitwise_and, [i32];
    BitOr bitor, BitOrAssign bitor_assign => bitwise_or, [i32];
    BitXor bitxor, BitXorAssign bitxor_assign => bitwise_xor, [i32];
    Shl shl, ShlAssign shl_assign => left_shift, [i32];
    Shr shr, ShrAssign shr_assign => right_shift, [i32];
}

macro_rules! unary_operators {
    ($($trait:ident $method:ident => $op:ident;)*) => { $(
        impl ops::$trait for &Array {
            type Output = Array;
            #[track_caller]
            fn $method(self) -> Array {
                Array::from_result(self.$op())
            }
        }

        impl ops::$trait for Array {
            type Output = Array;
            #[track_caller]
            fn $method(self) -> Array {
                Array::from_result(self.$op())
            }
        }
    )* };
}

unary_operators! {
    Neg neg => negative;
    Not not => bitwise_invert;
}
