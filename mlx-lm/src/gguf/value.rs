//! Metadata: names with typed values.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::cursor::Cursor;
use crate::error::{Error, Result};

/// Arrays may hold arrays; no file in use goes beyond two levels.
const MAX_DEPTH: usize = 4;

/// A metadata value. Integers and floats of all widths are widened without loss.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// `true` or `false`.
    Bool(bool),
    /// u8, u16, u32 or u64.
    Uint(u64),
    /// i8, i16, i32 or i64.
    Int(i64),
    /// f32 or f64.
    Float(f64),
    /// UTF-8 text.
    String(String),
    /// Values of one type.
    Array(Array),
}

/// A metadata array, stored by element type.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum Array {
    /// Of [`Value::Bool`].
    Bool(Vec<bool>),
    /// Of [`Value::Uint`].
    Uint(Vec<u64>),
    /// Of [`Value::Int`].
    Int(Vec<i64>),
    /// Of [`Value::Float`].
    Float(Vec<f64>),
    /// Of [`Value::String`].
    String(Vec<String>),
    /// Of [`Value::Array`].
    Array(Vec<Array>),
}

impl Value {
    /// The value as a non-negative integer, whatever its width and sign.
    pub fn as_u64(&self) -> Option<u64> {
        match *self {
            Value::Uint(value) => Some(value),
            Value::Int(value) => value.try_into().ok(),
            _ => None,
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Value::Bool(_) => "a bool",
            Value::Uint(_) => "an unsigned integer",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a float",
            Value::String(_) => "a string",
            Value::Array(_) => "an array",
        }
    }

    /// Reads one value: its type as u32, then the value.
    pub(super) fn read(cursor: &mut Cursor<'_>) -> Result<Value> {
        Ok(match Type::read(cursor)? {
            Type::Bool => Value::Bool(Type::bool(cursor)?),
            Type::Uint(bytes) => Value::Uint(Type::uint(cursor, bytes)?),
            Type::Int(bytes) => Value::Int(Type::int(cursor, bytes)?),
            Type::Float(bytes) => Value::Float(Type::float(cursor, bytes)?),
            Type::String => Value::String(cursor.string()?),
            Type::Array => Value::Array(Array::read(cursor, MAX_DEPTH)?),
        })
    }
}

impl Array {
    /// Number of elements.
    pub fn len(&self) -> usize {
        match self {
            Array::Bool(values) => values.len(),
            Array::Uint(values) => values.len(),
            Array::Int(values) => values.len(),
            Array::Float(values) => values.len(),
            Array::String(values) => values.len(),
            Array::Array(values) => values.len(),
        }
    }

    /// Whether there is no element.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Reads an array: element type as u32, count as u64, then the elements.
    fn read(cursor: &mut Cursor<'_>, depth: usize) -> Result<Array> {
        let element = Type::read(cursor)?;
        let count = cursor.u64()?;
        let n = cursor.count("array elements", count, element.min_bytes())?;
        if depth == 0 {
            return Err(cursor.error(format!("arrays are nested more than {MAX_DEPTH} deep")));
        }
        Ok(match element {
            Type::Bool => Array::Bool((0..n).map(|_| Type::bool(cursor)).collect::<Result<_>>()?),
            Type::Uint(bytes) => {
                Array::Uint((0..n).map(|_| Type::uint(cursor, bytes)).collect::<Result<_>>()?)
            }
            Type::Int(bytes) => Array::Int((0..n).map(|_| Type::int(cursor, bytes)).collect::<Result<_>>()?),
            Type::Float(bytes) => {
                Array::Float((0..n).map(|_| Type::float(cursor, bytes)).collect::<Result<_>>()?)
            }
            Type::String => Array::String((0..n).map(|_| cursor.string()).collect::<Result<_>>()?),
            Type::Array => {
                Array::Array((0..n).map(|_| Array::read(cursor, depth - 1)).collect::<Result<_>>()?)
            }
        })
    }
}

/// The type of a value in the file; numbers with their width in bytes.
#[derive(Clone, Copy)]
enum Type {
    Bool,
    Uint(usize),
    Int(usize),
    Float(usize),
    String,
    Array,
}

impl Type {
    fn read(cursor: &mut Cursor<'_>) -> Result<Type> {
        const TYPES: [Type; 13] = [
            Type::Uint(1),
            Type::Int(1),
            Type::Uint(2),
            Type::Int(2),
            Type::Uint(4),
            Type::Int(4),
            Type::Float(4),
            Type::Bool,
            Type::String,
            Type::Array,
            Type::Uint(8),
            Type::Int(8),
            Type::Float(8),
        ];
        let id = cursor.u32()?;
        TYPES.get(id as usize).copied().ok_or_else(|| cursor.error(format!("unknown metadata type {id}")))
    }

    /// The least an element of this type takes in the file.
    fn min_bytes(self) -> u64 {
        match self {
            Type::Bool => 1,
            Type::Uint(bytes) | Type::Int(bytes) | Type::Float(bytes) => bytes as u64,
            Type::String => 8,
            Type::Array => 12,
        }
    }

    fn bool(cursor: &mut Cursor<'_>) -> Result<bool> {
        match cursor.array::<1>()? {
            [0] => Ok(false),
            [1] => Ok(true),
            [other] => Err(cursor.error(format!("a bool is {other}, not 0 or 1"))),
        }
    }

    fn uint(cursor: &mut Cursor<'_>, bytes: usize) -> Result<u64> {
        Ok(match bytes {
            1 => u8::from_le_bytes(cursor.array()?).into(),
            2 => u16::from_le_bytes(cursor.array()?).into(),
            4 => u32::from_le_bytes(cursor.array()?).into(),
            _ => u64::from_le_bytes(cursor.array()?),
        })
    }

    fn int(cursor: &mut Cursor<'_>, bytes: usize) -> Result<i64> {
        Ok(match bytes {
            1 => i8::from_le_bytes(cursor.array()?).into(),
            2 => i16::from_le_bytes(cursor.array()?).into(),
            4 => i32::from_le_bytes(cursor.array()?).into(),
            _ => i64::from_le_bytes(cursor.array()?),
        })
    }

    fn float(cursor: &mut Cursor<'_>, bytes: usize) -> Result<f64> {
        Ok(match bytes {
            4 => f32::from_le_bytes(cursor.array()?).into(),
            _ => f64::from_le_bytes(cursor.array()?),
        })
    }
}

/// All metadata of a file. The typed getters give `None` where a key is absent and an error naming the key where its
/// value has another type.
#[derive(Debug, Clone)]
pub struct Metadata {
    path: PathBuf,
    values: BTreeMap<String, Value>,
}

impl Metadata {
    /// Reads `count` pairs of name and value.
    pub(super) fn read(path: PathBuf, cursor: &mut Cursor<'_>, count: usize) -> Result<Metadata> {
        let mut values = BTreeMap::new();
        for _ in 0..count {
            let key = cursor.string()?;
            let value = Value::read(cursor)?;
            if values.contains_key(&key) {
                return Err(cursor.error(format!("metadata `{key}` stands twice")));
            }
            values.insert(key, value);
        }
        Ok(Metadata { path, values })
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
    pub fn bool(&self, key: &str) -> Result<Option<bool>> {
        self.typed(key, "a bool", |value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        })
    }

    /// A non-negative integer of any width.
    pub fn u64(&self, key: &str) -> Result<Option<u64>> {
        self.typed(key, "a non-negative integer", Value::as_u64)
    }

    /// A non-negative integer that fits 32 bits, such as a token id.
    pub fn u32(&self, key: &str) -> Result<Option<u32>> {
        self.typed(key, "an integer of 32 bits", |value| value.as_u64()?.try_into().ok())
    }

    /// A float of either width.
    pub fn f64(&self, key: &str) -> Result<Option<f64>> {
        self.typed(key, "a float", |value| match value {
            Value::Float(value) => Some(*value),
            _ => None,
        })
    }

    /// A string.
    pub fn string(&self, key: &str) -> Result<Option<&str>> {
        self.typed(key, "a string", |value| match value {
            Value::String(value) => Some(value.as_str()),
            _ => None,
        })
    }

    /// An array of strings.
    pub fn strings(&self, key: &str) -> Result<Option<&[String]>> {
        self.typed(key, "an array of strings", |value| match value {
            Value::Array(Array::String(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An array of floats.
    pub fn floats(&self, key: &str) -> Result<Option<&[f64]>> {
        self.typed(key, "an array of floats", |value| match value {
            Value::Array(Array::Float(values)) => Some(values.as_slice()),
            _ => None,
        })
    }

    /// An array of non-negative integers of any width.
    pub fn uints(&self, key: &str) -> Result<Option<Vec<u64>>> {
        self.typed(key, "an array of non-negative integers", |value| match value {
            Value::Array(Array::Uint(values)) => Some(values.clone()),
            Value::Array(Array::Int(values)) => values.iter().map(|&v| v.try_into().ok()).collect(),
            _ => None,
        })
    }

    fn typed<'a, T>(
        &'a self,
        key: &str,
        expected: &str,
        convert: impl Fn(&'a Value) -> Option<T>,
    ) -> Result<Option<T>> {
        let Some(value) = self.values.get(key) else { return Ok(None) };
        convert(value).map(Some).ok_or_else(|| {
            Error::config(&self.path, format!("metadata `{key}` is {}, not {expected}", value.kind()))
        })
    }
}
