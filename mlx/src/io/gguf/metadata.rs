//! Names with typed values.

use super::cursor::Cursor;
use super::value::{Stored, Value, Values, Wide};
use crate::io::fault::Outcome;
use crate::{Error, ErrorKind, Result};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

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
