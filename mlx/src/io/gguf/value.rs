//! Metadata: names with typed values.

use super::cursor::Cursor;
use crate::io::fault::Outcome;
use crate::{Error, ErrorKind, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

/// Arrays may hold arrays; no file in use goes beyond two levels.
const MAX_DEPTH: usize = 4;
/// The number of the type that holds others.
const ARRAY: u32 = 9;

/// A type of single values.
trait Stored: Sized {
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
enum Wide {
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
            fn kind(&self) -> &'static str {
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

            fn widen(&self) -> Vec<Wide> {
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

/// The metadata of a file. The typed getters give `None` where a key is absent and an error naming the key where its
/// value has another type.
///
/// ```
/// use mlx::io::gguf::Metadata;
/// let metadata = Metadata::new().with("llama.block_count", 30u32).with("general.name", "a model");
/// assert_eq!(metadata.u64("llama.block_count").unwrap(), Some(30));
/// assert_eq!(metadata.string("absent").unwrap(), None);
/// assert!(metadata.f64("general.name").is_err());
/// ```
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Metadata {
    /// Empty for metadata that is not from a file.
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

impl Metadata {
    /// No metadata.
    pub fn new() -> Metadata {
        Metadata::default()
    }

    /// With `key`, in place of a value it may have.
    pub fn with(mut self, key: impl Into<String>, value: impl Into<Value>) -> Metadata {
        self.insert(key, value);
        self
    }

    /// Sets `key` and gives the value it had.
    pub fn insert(&mut self, key: impl Into<String>, value: impl Into<Value>) -> Option<Value> {
        self.values.insert(key.into(), value.into())
    }

    /// Reads `count` pairs of name and value.
    pub(super) fn read(path: &Path, cursor: &mut Cursor<'_>, count: usize) -> Outcome<Metadata> {
        let mut metadata = Metadata { path: path.to_owned(), values: BTreeMap::new() };
        for _ in 0..count {
            let key = cursor.string()?;
            let value = Value::read(cursor)?;
            if metadata.values.contains_key(&key) {
                return Err(cursor.fault(format!("metadata `{key}` stands twice")));
            }
            metadata.insert(key, value);
        }
        Ok(metadata)
    }

    pub(super) fn write(&self, out: &mut Vec<u8>) {
        for (key, value) in &self.values {
            key.write(out);
            value.write(out);
        }
    }

    /// The number of entries.
    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// The value of `key`.
    pub fn get(&self, key: &str) -> Option<&Value> {
        self.values.get(key)
    }

    /// All names and values, in the order of the names.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// A bool.
    #[track_caller]
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "a bool", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// A non-negative integer of any width.
    #[track_caller]
    pub fn u64(&self, key: &str) -> Result<Option<u64>> {
        self.typed(key, "a non-negative integer", Value::as_u64)
    }

    /// A non-negative integer that fits 32 bits, such as a token id.
    #[track_caller]
    pub fn u32(&self, key: &str) -> Result<Option<u32>> {
        self.typed(key, "an integer of 32 bits", |value| value.as_u64()?.try_into().ok())
    }

    /// A float of either width.
    #[track_caller]
    pub fn f64(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a float", Value::as_f64)
    }

    /// A string.
    #[track_caller]
    pub fn string(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a string", |value| match value {
            Value::String(value) => Some(value.as_str()),
            _ => None,
        })
    }

    /// An array of strings.
    #[track_caller]
    pub fn strings(&self, key: &str) -> Result<Option<&[String]>> {
        self.typed(key, "an array of strings", |value| match value {
            Value::Array(Values::String(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An array of floats of either width.
    #[track_caller]
    pub fn floats(&self, key: &str) -> Result<Option<Vec<f64>>> {
        self.numbers(key, "an array of floats", |number| match number {
            Wide::Float(value) => Some(value),
            _ => None,
        })
    }

    /// An array of non-negative integers of any width.
    #[track_caller]
    pub fn uints(&self, key: &str) -> Result<Option<Vec<u64>>> {
        self.numbers(key, "an array of non-negative integers", |number| match number {
            Wide::Int(value) => value.try_into().ok(),
            _ => None,
        })
    }

    #[track_caller]
    fn numbers<T>(
        &self,
        key: &str,
        expected: &str,
        convert: impl Fn(Wide) -> Option<T>,
    ) -> Result<Option<Vec<T>>> {
        self.typed(key, expected, |value| match value {
            Value::Array(values) => values.widen().into_iter().map(&convert).collect(),
            _ => None,
        })
    }

    #[track_caller]
    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        if let Some(converted) = convert(value) {
            return Ok(Some(converted));
        }
        let message = format!("metadata `{key}` is {}, not {expected}", value.kind());
        let message = match self.path.as_os_str().is_empty() {
            true => message,
            false => format!("{}: {message}", self.path.display()),
        };
        Err(Error::new(ErrorKind::Io, "gguf", message))
    }
}
