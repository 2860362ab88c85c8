//! Families of element types, and the type that a mixture of them becomes.

use crate::{Array, Dtype, Result, ffi, ffi::ArrayList};

/// A family of element types.
///
/// ```text
/// Generic ─┬─ Number ─┬─ Integer ─┬─ SignedInteger
///          │          │           └─ UnsignedInteger
///          └─ (Bool)  └─ Inexact ─┬─ Floating
///                                 └─ ComplexFloating
/// ```
#[doc(alias = "DtypeCategory")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Category {
    /// Every type.
    Generic,
    /// Every type but `Bool`.
    Number,
    /// Signed and unsigned integers.
    Integer,
    /// `I8` to `I64`.
    SignedInteger,
    /// `U8` to `U64`.
    UnsignedInteger,
    /// Real and complex floating point.
    Inexact,
    /// `F16`, `Bf16`, `F32`, `F64`.
    Floating,
    /// `C64`.
    ComplexFloating,
}

impl Category {
    /// The next larger family.
    const fn parent(self) -> Option<Category> {
        match self {
            Category::Generic => None,
            Category::Number => Some(Category::Generic),
            Category::Integer | Category::Inexact => Some(Category::Number),
            Category::SignedInteger | Category::UnsignedInteger => Some(Category::Integer),
            Category::Floating | Category::ComplexFloating => Some(Category::Inexact),
        }
    }

    /// Whether this family is `family` or part of it.
    pub const fn issubdtype(self, family: Category) -> bool {
        let mut wider = Some(self);
        while let Some(category) = wider {
            if category as u8 == family as u8 {
                return true;
            }
            wider = category.parent();
        }
        false
    }
}

impl Dtype {
    /// The smallest family of the type.
    pub const fn category(self) -> Category {
        match self {
            Dtype::Bool => Category::Generic,
            Dtype::U8 | Dtype::U16 | Dtype::U32 | Dtype::U64 => Category::UnsignedInteger,
            Dtype::I8 | Dtype::I16 | Dtype::I32 | Dtype::I64 => Category::SignedInteger,
            Dtype::F16 | Dtype::Bf16 | Dtype::F32 | Dtype::F64 => Category::Floating,
            Dtype::C64 => Category::ComplexFloating,
        }
    }

    /// Whether the type belongs to `family`. (A type is part of another only if both are the same: `==`.)
    ///
    /// ```
    /// use mlx::{Category, Dtype};
    /// assert!(Dtype::Bf16.issubdtype(Category::Floating));
    /// assert!(!Dtype::Bool.issubdtype(Category::Number));
    /// ```
    #[doc(alias = "isdtype")]
    pub const fn issubdtype(self, family: Category) -> bool {
        self.category().issubdtype(family)
    }

    /// The letter of the type in NumPy's formats: `b`, `u`, `i`, `f`, `c`, and `V` for `Bf16`, which NumPy lacks.
    #[doc(alias = "kindof")]
    pub const fn kind(self) -> char {
        match self.category() {
            Category::UnsignedInteger => 'u',
            Category::SignedInteger => 'i',
            Category::ComplexFloating => 'c',
            Category::Floating => match self {
                Dtype::Bf16 => 'V',
                _ => 'f',
            },
            _ => 'b',
        }
    }
}

/// The type that an operation on arrays of types `a` and `b` computes in. Python's `can_cast(a, b)` asks
/// whether that is `b`.
///
/// ```
/// use mlx::Dtype;
/// assert_eq!(mlx::promote_types(Dtype::F16, Dtype::Bf16)?, Dtype::F32);
/// # Ok::<(), mlx::Error>(())
/// ```
#[doc(alias = "can_cast")]
#[track_caller]
pub fn promote_types(a: Dtype, b: Dtype) -> Result<Dtype> {
    ffi::dtype::promote_types(a, b)
}

/// The type that an operation on all the arrays together computes in; `Bool` for none.
#[track_caller]
pub fn result_type<'a>(arrays: impl IntoIterator<Item = &'a Array>) -> Result<Dtype> {
    ffi::dtype::result_type(&ArrayList::of(arrays)?)
}
