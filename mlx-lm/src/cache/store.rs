//! Rows of keys or values, as numbers or quantized.

use super::invalid;
use mlx::{
    Array, Result,
    fast::AppendBuffer,
    nn::{Quantization, Quantized, quantize},
};

/// The axis of tokens in `[batch, kv heads, tokens, dim]`.
const TOKENS: i32 = 2;

/// A growing sequence of rows `[batch, kv heads, tokens, dim]`.
#[derive(Clone, Debug)]
pub(super) enum Store {
    Plain(AppendBuffer),
    Quantized(QuantizedStore),
}

#[derive(Clone, Debug)]
pub(super) struct QuantizedStore {
    quantization: Quantization,
    weight: AppendBuffer,
    scales: AppendBuffer,
    biases: AppendBuffer,
}

/// What a [`Store`] holds, to attend to.
#[derive(Clone, Debug)]
pub(super) enum Rows {
    Plain(Array),
    Quantized(Quantized),
}

impl Default for Store {
    fn default() -> Store {
        Store::Plain(AppendBuffer::new(TOKENS))
    }
}

impl Store {
    fn quantized(quantization: Quantization) -> Store {
        let buffer = || AppendBuffer::new(TOKENS);
        Store::Quantized(QuantizedStore {
            quantization,
            weight: buffer(),
            scales: buffer(),
            biases: buffer(),
        })
    }

    /// Has room made for `tokens` tokens at once.
    pub(super) fn expect(&mut self, tokens: i32) {
        match self {
            Store::Plain(rows) => rows.expect(tokens),
            Store::Quantized(QuantizedStore { weight, scales, biases, .. }) => {
                [weight, scales, biases].into_iter().for_each(|rows| rows.expect(tokens));
            }
        }
    }

    pub(super) fn len(&self) -> i32 {
        match self {
            Store::Plain(rows) => rows.len(),
            Store::Quantized(store) => store.weight.len(),
        }
    }

    pub(super) fn append(&mut self, rows: &Array) -> Result<()> {
        match self {
            Store::Plain(buffer) => buffer.append(rows),
            Store::Quantized(store) => store.append(&quantize(rows, store.quantization)?),
        }
    }

    /// The rows from the one with index `from` on.
    pub(super) fn rows(&mut self, from: i32) -> Result<Rows> {
        let tail = |buffer: &mut AppendBuffer| {
            let rows = buffer.array()?;
            if from > 0 { rows.at((.., .., from..)) } else { Ok(rows) }
        };
        match self {
            Store::Plain(buffer) => tail(buffer).map(Rows::Plain),
            Store::Quantized(store) => Ok(Rows::Quantized(Quantized {
                weight: tail(&mut store.weight)?,
                scales: tail(&mut store.scales)?,
                biases: Some(tail(&mut store.biases)?),
                quantization: store.quantization,
            })),
        }
    }

    /// Appends rows to a store of the same quantization.
    pub(super) fn append_quantized(&mut self, rows: &Quantized) -> Result<()> {
        match self {
            Store::Plain(buffer) => buffer.append(&rows.dequantize()?),
            Store::Quantized(store) => store.append(rows),
        }
    }

    /// Keeps the first `len` rows.
    pub(super) fn truncate(&mut self, len: i32) {
        self.buffers_mut().into_iter().for_each(|buffer| buffer.truncate(len));
    }

    /// Drops the rows from index `keep` to `from`.
    pub(super) fn drop_between(&mut self, keep: i32, from: i32) -> Result<()> {
        for buffer in self.buffers_mut() {
            let rows = buffer.array()?;
            let mut kept = AppendBuffer::new(TOKENS);
            if keep > 0 {
                kept.append(&rows.at((.., .., ..keep))?)?;
            }
            kept.append(&rows.at((.., .., from..))?)?;
            *buffer = kept;
        }
        Ok(())
    }

    /// Quantizes what is here and what comes, unless it is already.
    ///
    /// # Errors
    /// It is, but otherwise.
    pub(super) fn quantize(&mut self, quantization: Quantization) -> Result<()> {
        let rows = match self {
            Store::Plain(rows) => rows,
            Store::Quantized(store) if store.quantization == quantization => return Ok(()),
            Store::Quantized(QuantizedStore {
                quantization: Quantization { bits, group_size, .. }, ..
            }) => {
                let text = format!("keys and values have {bits} bits in groups of {group_size} already");
                return Err(invalid("quantize", text));
            }
        };
        let mut store = Store::quantized(quantization.check()?);
        if !rows.is_empty() {
            store.append(&rows.array()?)?;
        }
        *self = store;
        Ok(())
    }

    pub(super) fn arrays<'a>(&'a self, out: &mut Vec<&'a Array>) {
        match self {
            Store::Plain(buffer) => out.extend(buffer.memory()),
            Store::Quantized(QuantizedStore { weight, scales, biases, .. }) => {
                out.extend([weight, scales, biases].into_iter().filter_map(AppendBuffer::memory));
            }
        }
    }

    fn buffers_mut(&mut self) -> Vec<&mut AppendBuffer> {
        match self {
            Store::Plain(buffer) => vec![buffer],
            Store::Quantized(QuantizedStore { weight, scales, biases, .. }) => vec![weight, scales, biases],
        }
    }
}

impl QuantizedStore {
    pub(super) fn quantization(&self) -> Quantization {
        self.quantization
    }

    fn append(&mut self, rows: &Quantized) -> Result<()> {
        self.weight.append(&rows.weight)?;
        self.scales.append(&rows.scales)?;
        rows.biases.iter().try_for_each(|biases| self.biases.append(biases))
    }
}

impl Rows {
    /// As numbers of the dtype of `like`.
    pub(super) fn dense(self, like: &Array) -> Result<Array> {
        match self {
            Rows::Plain(rows) => Ok(rows),
            Rows::Quantized(rows) => rows.dequantize_as(like.dtype()?),
        }
    }
}
