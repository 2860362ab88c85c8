//! Keys and values as the states of Python's classes.

use super::{
    AttentionCache,
    file::{Reader, Value},
    reach::Reach,
    row::Row,
    store::{Rows, Store},
};
use crate::{Error, Result};
use mlx::{
    Array, concatenate,
    nn::{Quantization, Quantized},
};

impl AttentionCache {
    /// The class, and its state.
    pub(super) fn state_of_python(&self) -> Result<(&'static str, Value)> {
        let [row] = &self.rows[..] else {
            return Err(Error::Invalid("a batch of several rows cannot be written; take a row of it".into()));
        };
        let mut row = row.clone();
        let offset = Value::Integer(row.offset());
        let [keys, values] = row.for_python()?;
        if let Store::Quantized(store) = &row.keys {
            let Quantization { group_size, bits, .. } = store.quantization();
            if row.reach != Reach::All {
                return Err(Error::Invalid(
                    "a window of quantized keys and values has no form in Python's prompt caches".into(),
                ));
            }
            let numbers = [group_size, bits].map(Value::Integer);
            let state = [keys, values, offset].into_iter().chain(numbers).collect();
            return Ok(("QuantizedKVCache", Value::List(state)));
        }
        Ok(match row.reach {
            Reach::All => ("KVCache", Value::List(vec![keys, values, offset])),
            Reach::Window { size, keep } => {
                let index = Value::Integer(row.offset().min(size + keep));
                let (keep, size) = (Value::Integer(keep), Value::Integer(size + keep));
                ("RotatingKVCache", Value::List(vec![keys, values, offset, keep, size, index]))
            }
            Reach::Chunk(size) => {
                let start = Value::Integer(row.dropped);
                ("ChunkedKVCache", Value::List(vec![keys, values, offset, Value::Integer(size), start]))
            }
        })
    }

    /// Takes over the state at `path` of a file.
    pub(super) fn restore(&mut self, file: &Reader, path: &str, class: &str) -> Result<()> {
        let [row] = &mut self.rows[..] else {
            return Err(Error::Invalid("a prompt cache can only be read into a new cache".into()));
        };
        row.restore(file, path, class)?;
        self.refresh();
        Ok(())
    }
}

impl Row {
    /// Keys and values that Python would have kept.
    fn for_python(&mut self) -> Result<[Value; 2]> {
        if self.keys.len() == 0 {
            return Ok([Value::None, Value::None]);
        }
        if let Reach::Window { size, keep } = self.reach {
            let surplus = self.keys.len() - size - keep;
            if surplus > 0 {
                self.keys.drop_between(keep, keep + surplus)?;
                self.values.drop_between(keep, keep + surplus)?;
                self.dropped += surplus;
            }
        }
        let value = |rows: Rows| match rows {
            Rows::Plain(rows) => Value::Array(rows),
            Rows::Quantized(Quantized { weight, scales, biases, .. }) => {
                Value::List(vec![Value::Array(weight), Value::Array(scales), biases.into()])
            }
        };
        Ok([value(self.keys.rows(0)?), value(self.values.rows(0)?)])
    }

    fn restore(&mut self, file: &Reader, path: &str, class: &str) -> Result<()> {
        let number = |i: usize| file.integer(&format!("{path}.{i}"));
        let offset = number(2)?;
        match class {
            "KVCache" => self.fill(file, path, |rows| Ok(rows.at((.., .., ..offset))?))?,
            "ChunkedKVCache" => {
                self.dropped = number(4)?;
                let count = offset - self.dropped;
                self.fill(file, path, |rows| Ok(rows.at((.., .., ..count))?))?;
            }
            "RotatingKVCache" => {
                let [keep, size, index] = [number(3)?, number(4)?, number(5)?];
                if self.reach == Reach::All && size > keep {
                    self.reach = Reach::Window { size: size - keep, keep };
                }
                self.fill(file, path, |rows| in_order(&rows, offset, keep, index))?;
                self.dropped = offset - self.keys.len();
            }
            "QuantizedKVCache" => {
                let quantization = Quantization::affine(number(3)?, number(4)?).check()?;
                for (i, store) in [&mut self.keys, &mut self.values].into_iter().enumerate() {
                    store.quantize(quantization)?;
                    let part = |k: usize| file.array(&format!("{path}.{i}.{k}"));
                    if let (Some(weight), Some(scales), biases) = (part(0), part(1), part(2)) {
                        store.append_quantized(&Quantized { weight, scales, biases, quantization })?;
                    }
                    store.truncate(offset);
                }
            }
            _ => return Err(Error::Invalid(format!("layer {path}: a {class} holds no keys and values"))),
        }
        if self.offset() != offset || self.keys.len() != self.values.len() || self.dropped < 0 {
            let (found, other) = (self.keys.len(), self.values.len());
            let text = format!("layer {path} has {found} keys and {other} values of {offset} tokens");
            return Err(Error::Invalid(text));
        }
        Ok(())
    }

    fn fill(&mut self, file: &Reader, path: &str, rows: impl Fn(Array) -> Result<Array>) -> Result<()> {
        for (i, store) in [&mut self.keys, &mut self.values].into_iter().enumerate() {
            if let Some(array) = file.array(&format!("{path}.{i}")) {
                if array.ndim()? != 4 {
                    return Err(Error::Invalid(format!("layer {path} has no keys of four axes")));
                }
                store.append(&rows(array)?)?;
            }
        }
        Ok(())
    }
}

/// The rows of Python's ring, oldest first.
fn in_order(rows: &Array, offset: i32, keep: i32, index: i32) -> Result<Array> {
    let count = rows.dim(2)?;
    if index == count || index >= offset {
        return Ok(rows.at((.., .., ..index))?);
    }
    let part = |from: i32, to: i32| rows.at((.., .., from..to));
    Ok(concatenate(&[part(0, keep)?, part(index, count)?, part(keep, index)?], 2)?)
}
