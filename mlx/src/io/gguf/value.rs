//! The values of metadata.

use super::cursor::Cursor;
use crate::io::fault::Outcome;

/// Arrays may hold arrays; no file in use goes beyond two levels.
const MAX_DEPTH: usize = 4;
/// The number of the type that holds others.
const ARRAY: u32 = 9;

/// A type of single values.
pub(super) trait Stored: Sized {
    const KIND: &str;
    /// The least a value takes in the file.
    const MIN_BYTES: u64;
    fn read(cursor: &mut Cursor<'_>) -> Outcome<Self>;
    fn write(&self, out: &mut Vec<u8>);
    fn widen(&self) -> Wide {
        Wide::Other
    }
}

/// A number of any width.
pub(super) enum Wide {
    Int(i128),
    Float(f64),
    Other,
}

macro_rules! numbers {
    ($($ty:ty, $kind:literal, $wide:ident;)*) => { $(
        impl Stored for $ty {
            const KIND: &str = $kind;
            const MIN_BYTES: u64 = size_of::<$ty>() as u64;
            fn read(cursor: &mut Cursor<'_>) -> Outcome<Self> {
                Ok(<$ty>::from_le_bytes(cursor.array()?))
            }
            fn write(&self, out: &mut Vec<u8>) {
                out.extend(self.to_le_bytes());
            }
            fn widen(&self) -> Wide {
                Wide::$wide((*self).into())
            }
        }
    )* };
}

numbers! {
    u8, "an unsigned integer", Int;
    u16, "an unsigned integer", Int;
    u32, "an unsigned integer", Int;
    u64, "an unsigned integer", Int;
    i8, "an integer", Int;
    i16, "an integer", Int;
    i32, "an integer", Int;
    i64, "an integer", Int;
    f32, "a float", Float;
    f64, "a float", Float;
}

impl Stored for bool {
    const KIND: &str = "a bool";
    const MIN_BYTES: u64 = 1;
    fn read(cursor: &mut Cursor<'_>) -> Outcome<Self> {
        match cursor.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(cursor.fault(format!("a bool is {other}, not 0 or 1"))),
        }
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.push((*self).into());
    }
}

impl Stored for String {
    const KIND: &str = "a string";
    const MIN_BYTES: u64 = 8;
    fn read(cursor: &mut Cursor<'_>) -> Outcome<Self> {
        cursor.string()
    }
    fn write(&self, out: &mut Vec<u8>) {
        out.extend((self.len() as u64).to_le_bytes());
        out.extend(self.as_bytes());
    }
}

/// Defines [`Value`] and [`Values`] from lines of name, Rust type and the type's number in the file.
macro_rules! values {
    ($($(#[$doc:meta])* $name:ident($ty:ty) = $id:literal;)*) => {
        /// A metadata value, of exactly the type that the file has.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Value {
            $($(#[$doc])* $name($ty),)*
            /// Values of one type.
            Array(Values),
        }

        /// A metadata array, stored by element type.
        #[derive(Debug, Clone, PartialEq)]
        pub enum Values {
            $(#[doc = concat!("Of [`Value::", stringify!($name), "`].")] $name(Vec<$ty>),)*
            /// Of [`Value::Array`].
            Array(Vec<Values>),
        }

        $(
            impl From<$ty> for Value {
                fn from(value: $ty) -> Value {
                    Value::$name(value)
                }
            }

            impl From<Vec<$ty>> for Value {
                fn from(values: Vec<$ty>) -> Value {
                    Value::Array(Values::$name(values))
                }
            }
        )*

        impl Value {
            pub(super) fn kind(&self) -> &'static str {
                match self {
                    $(Value::$name(_) => <$ty>::KIND,)*
                    Value::Array(_) => "an array",
                }
            }

            fn widen(&self) -> Wide {
                match self {
                    $(Value::$name(value) => value.widen(),)*
                    Value::Array(_) => Wide::Other,
                }
            }

            /// Reads one value: its type as u32, then the value.
            pub(super) fn read(cursor: &mut Cursor<'_>) -> Outcome<Value> {
                Ok(match cursor.u32()? {
                    $($id => Value::$name(<$ty>::read(cursor)?),)*
                    ARRAY => Value::Array(Values::read(cursor, MAX_DEPTH)?),
                    id => return Err(cursor.fault(format!("unknown metadata type {id}"))),
                })
            }

            pub(super) fn write(&self, out: &mut Vec<u8>) {
                match self {
                    $(Value::$name(value) => {
                        out.extend(u32::to_le_bytes($id));
                        value.write(out);
                    })*
                    Value::Array(values) => {
                        out.extend(ARRAY.to_le_bytes());
                        values.write(out);
                    }
                }
            }
        }

        impl Values {
            /// Number of elements.
            pub fn len(&self) -> usize {
                match self {
                    $(Values::$name(values) => values.len(),)*
                    Values::Array(values) => values.len(),
                }
            }

            pub(super) fn widen(&self) -> Vec<Wide> {
                match self {
                    $(Values::$name(values) => values.iter().map(Stored::widen).collect(),)*
                    Values::Array(values) => values.iter().map(|_| Wide::Other).collect(),
                }
            }

            /// Reads an array: element type as u32, count as u64, then the elements.
            fn read(cursor: &mut Cursor<'_>, depth: usize) -> Outcome<Values> {
                if depth == 0 {
                    return Err(cursor.fault(format!("arrays are nested more than {MAX_DEPTH} deep")));
                }
                let (id, count) = (cursor.u32()?, cursor.u64()?);
                Ok(match id {
                    $($id => Values::$name(elements(cursor, count, <$ty>::MIN_BYTES, <$ty>::read)?),)*
                    ARRAY => Values::Array(elements(cursor, count, 12, |c| Values::read(c, depth - 1))?),
                    id => return Err(cursor.fault(format!("unknown metadata type {id}"))),
                })
            }

            fn write(&self, out: &mut Vec<u8>) {
                let mut start = |id: u32| {
                    out.extend(id.to_le_bytes());
                    out.extend((self.len() as u64).to_le_bytes());
                };
                match self {
                    $(Values::$name(values) => {
                        start($id);
                        values.iter().for_each(|value| value.write(out));
                    })*
                    Values::Array(values) => {
                        start(ARRAY);
                        values.iter().for_each(|value| value.write(out));
                    }
                }
            }
        }
    };
}

values! {
    /// 8-bit unsigned integer.
    U8(u8) = 0;
    /// 8-bit signed integer.
    I8(i8) = 1;
    /// 16-bit unsigned integer.
    U16(u16) = 2;
    /// 16-bit signed integer.
    I16(i16) = 3;
    /// 32-bit unsigned integer: what llama.cpp wants counts and token ids to be.
    U32(u32) = 4;
    /// 32-bit signed integer.
    I32(i32) = 5;
    /// Single precision: what llama.cpp wants numbers with a fraction to be.
    F32(f32) = 6;
    /// `true` or `false`.
    Bool(bool) = 7;
    /// UTF-8 text.
    String(String) = 8;
    /// 64-bit unsigned integer.
    U64(u64) = 10;
    /// 64-bit signed integer.
    I64(i64) = 11;
    /// Double precision.
    F64(f64) = 12;
}

fn elements<T>(
    cursor: &mut Cursor<'_>,
    count: u64,
    min_bytes: u64,
    read: impl Fn(&mut Cursor<'_>) -> Outcome<T>,
) -> Outcome<Vec<T>> {
    let count = cursor.count("array elements", count, min_bytes)?;
    (0..count).map(|_| read(cursor)).collect()
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::String(text.to_owned())
    }
}

impl Value {
    /// The value as a non-negative integer, whatever its width and sign.
    pub fn as_u64(&self) -> Option<u64> {
        match self.widen() {
            Wide::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    /// The value as a float, whatever its width.
    pub fn as_f64(&self) -> Option<f64> {
        match self.widen() {
            Wide::Float(value) => Some(value),
            _ => None,
        }
    }
}

impl Values {
    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
