//! Writes GGUF files, valid ones and, through public fields, invalid ones.

use mlx_lm::Result;
use mlx_lm::gguf::{Gguf, Value, Values};

/// Numbers of the value types this writer uses.
const UINT32: u32 = 4;
const INT32: u32 = 5;
const UINT64: u32 = 10;
const INT64: u32 = 11;
const FLOAT64: u32 = 12;
const BOOL: u32 = 7;
const STRING: u32 = 8;
const ARRAY: u32 = 9;

/// A file in the making.
#[derive(Clone)]
pub(crate) struct Writer {
    pub(crate) version: u32,
    pub(crate) alignment: usize,
    pub(crate) metadata: Vec<(String, Value)>,
    pub(crate) tensors: Vec<Tensor>,
}

/// A tensor: row-major shape, number of the type, data.
#[derive(Clone)]
pub(crate) struct Tensor {
    pub(crate) name: String,
    pub(crate) shape: Vec<u64>,
    pub(crate) ggml_type: u32,
    pub(crate) data: Vec<u8>,
    /// Overrides the offset of the data.
    pub(crate) offset: Option<u64>,
}

impl Writer {
    pub(crate) fn new() -> Self {
        Writer { version: 3, alignment: 32, metadata: Vec::new(), tensors: Vec::new() }
    }

    /// Sets a metadata value.
    pub(crate) fn set(mut self, key: &str, value: Value) -> Self {
        self.metadata.retain(|(name, _)| name != key);
        self.metadata.push((key.to_owned(), value));
        self
    }

    pub(crate) fn uint(self, key: &str, value: u64) -> Self {
        self.set(key, Value::U64(value))
    }

    pub(crate) fn float(self, key: &str, value: f32) -> Self {
        self.set(key, Value::F64(value.into()))
    }

    pub(crate) fn string(self, key: &str, value: &str) -> Self {
        self.set(key, Value::String(value.to_owned()))
    }

    /// Removes a metadata value.
    pub(crate) fn without(mut self, key: &str) -> Self {
        self.metadata.retain(|(name, _)| name != key);
        self
    }

    /// Adds a tensor with raw data.
    pub(crate) fn tensor(mut self, name: &str, shape: &[u64], ggml_type: u32, data: Vec<u8>) -> Self {
        self.tensors.push(Tensor {
            name: name.to_owned(),
            shape: shape.to_vec(),
            ggml_type,
            data,
            offset: None,
        });
        self
    }

    /// Adds an F32 tensor.
    pub(crate) fn floats(self, name: &str, shape: &[u64], values: &[f32]) -> Self {
        self.tensor(name, shape, 0, values.iter().flat_map(|value| value.to_le_bytes()).collect())
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = b"GGUF".to_vec();
        bytes.extend(self.version.to_le_bytes());
        bytes.extend((self.tensors.len() as u64).to_le_bytes());
        bytes.extend((self.metadata.len() as u64).to_le_bytes());
        for (key, value) in &self.metadata {
            put_string(&mut bytes, key);
            put_value(&mut bytes, value);
        }
        let mut data = Vec::new();
        for tensor in &self.tensors {
            put_string(&mut bytes, &tensor.name);
            bytes.extend((tensor.shape.len() as u32).to_le_bytes());
            tensor.shape.iter().rev().for_each(|n| bytes.extend(n.to_le_bytes()));
            bytes.extend(tensor.ggml_type.to_le_bytes());
            bytes.extend(tensor.offset.unwrap_or(data.len() as u64).to_le_bytes());
            data.extend(&tensor.data);
            data.resize(data.len().next_multiple_of(self.alignment), 0);
        }
        bytes.resize(bytes.len().next_multiple_of(self.alignment), 0);
        bytes.extend(data);
        bytes
    }

    pub(crate) fn open(&self) -> Result<Gguf> {
        open(&self.to_bytes())
    }
}

/// Opens `bytes` as a file. The file is deleted at once; an open one stays readable.
pub(crate) fn open(bytes: &[u8]) -> Result<Gguf> {
    let file = tempfile::Builder::new().suffix(".gguf").tempfile().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("writes the temporary file");
    Gguf::open(file.path())
}

fn put_string(bytes: &mut Vec<u8>, text: &str) {
    bytes.extend((text.len() as u64).to_le_bytes());
    bytes.extend(text.as_bytes());
}

fn put_value(bytes: &mut Vec<u8>, value: &Value) {
    match value {
        Value::Bool(value) => {
            bytes.extend(BOOL.to_le_bytes());
            bytes.push((*value).into());
        }
        Value::U32(value) => {
            bytes.extend(UINT32.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        Value::U64(value) => {
            bytes.extend(UINT64.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        Value::I64(value) => {
            bytes.extend(INT64.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        Value::F64(value) => {
            bytes.extend(FLOAT64.to_le_bytes());
            bytes.extend(value.to_le_bytes());
        }
        Value::String(value) => {
            bytes.extend(STRING.to_le_bytes());
            put_string(bytes, value);
        }
        Value::Array(array) => {
            bytes.extend(ARRAY.to_le_bytes());
            put_array(bytes, array);
        }
        other => panic!("no code to write {other:?}"),
    }
}

fn put_array(bytes: &mut Vec<u8>, array: &Values) {
    let element = match array {
        Values::Bool(_) => BOOL,
        Values::U64(_) => UINT64,
        Values::I64(_) => INT64,
        Values::I32(_) => INT32,
        Values::F64(_) => FLOAT64,
        Values::String(_) => STRING,
        Values::Array(_) => ARRAY,
        other => panic!("no code to write {other:?}"),
    };
    bytes.extend(element.to_le_bytes());
    bytes.extend((array.len() as u64).to_le_bytes());
    match array {
        Values::Bool(values) => bytes.extend(values.iter().map(|&value| u8::from(value))),
        Values::U64(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Values::I64(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Values::I32(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Values::F64(values) => values.iter().for_each(|value| bytes.extend(value.to_le_bytes())),
        Values::String(values) => values.iter().for_each(|value| put_string(bytes, value)),
        Values::Array(values) => values.iter().for_each(|value| put_array(bytes, value)),
        _ => {}
    }
}
