//! What a model keeps between tokens.
//!
//! A [`Cache`] has one [`LayerCache`] per layer. Models make it (`new_cache`), attend through it and read and replace
//! recurrent states in it; they never see whether it keeps all tokens or a window of them, in full precision or
//! quantized, for one sequence or for several of different lengths.

mod attention;
mod file;
mod layer;
mod offset;
mod python;
mod quantized;
mod reach;
mod row;
mod state;
mod store;
#[cfg(test)]
mod tests;

pub use attention::AttentionCache;
pub use layer::LayerCache;
pub use offset::Offset;
pub use state::State;

use crate::{Error, Result};
use mlx::{Array, fast::Sequence, nn::Quantization};

/// An error of use, found where arrays are: in a layer.
fn invalid(op: &'static str, message: impl Into<String>) -> mlx::Error {
    mlx::Error::new(mlx::ErrorKind::InvalidArgument, op, message)
}

/// The state of a model, one entry per layer, for one or more rows.
///
/// A row is a sequence of its own length; those of a batch come and go by [`Cache::push`] and [`Cache::remove`]. The
/// arrays of a cache that has one row may themselves hold several sequences of equal length; such a cache cannot be
/// pushed.
///
/// A clone is a snapshot: it shares memory with the original, and neither sees what the other appends.
#[derive(Clone, Debug)]
pub struct Cache(Vec<LayerCache>);

/// For each layer where the tokens of a step go, and the position of each.
type Step<'a> = (Vec<Vec<Sequence<'a>>>, Vec<i32>);

impl Cache {
    /// A cache with these entries, one per layer.
    pub fn new(layers: Vec<LayerCache>) -> Cache {
        Cache(layers)
    }

    /// How many tokens have passed in each row: the positions of the next ones.
    pub fn offset(&self) -> Offset {
        // Layers without tokens are those that keep nothing, or look into the cache of another.
        let mut offsets = self.0.iter().map(LayerCache::offset);
        offsets.find(|offset| offset.max() > 0).unwrap_or(Offset::Same(0))
    }

    /// The entries, for the layers in order.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut LayerCache> {
        self.0.iter_mut()
    }

    /// The entries, for the layers in order.
    pub fn layers(&self) -> impl Iterator<Item = &LayerCache> {
        self.0.iter()
    }

    /// Where the next token of each row goes in the layers that attend, and its position, if that is all that the model keeps
    /// and each can be appended and attend as one operation.
    pub(crate) fn next(&mut self) -> mlx::Result<Option<Step<'_>>> {
        let mut positions = vec![];
        let mut layers = vec![];
        for layer in &mut self.0 {
            match layer {
                LayerCache::Attention(cache) => {
                    if layers.is_empty() {
                        positions = cache.positions();
                    }
                    let Some(sequences) = cache.next()? else { return Ok(None) };
                    layers.push(sequences);
                }
                LayerCache::Nothing => {}
                LayerCache::State(_) | LayerCache::List(_) => return Ok(None),
            }
        }
        Ok(Some((layers, positions)))
    }

    /// Takes note of tokens that have been appended to [`Cache::next`].
    pub(crate) fn advanced(&mut self) -> mlx::Result<()> {
        self.0.iter_mut().try_for_each(|layer| match layer {
            LayerCache::Attention(cache) => cache.advanced(),
            _ => Ok(()),
        })
    }

    /// All arrays of the state; evaluate them with each step, or the graph of all steps stays alive.
    pub fn arrays(&self) -> impl Iterator<Item = &Array> {
        let mut arrays = vec![];
        self.0.iter().for_each(|layer| layer.arrays(&mut arrays));
        arrays.into_iter()
    }

    /// Bytes of memory that the arrays take, what is reserved for tokens to come included.
    ///
    /// # Errors
    /// [`Error::Mlx`].
    pub fn nbytes(&self) -> Result<usize> {
        Ok(self.arrays().map(Array::nbytes).sum::<mlx::Result<usize>>()?)
    }

    /// Adds the rows of `other`, a cache of the same model, behind those here.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a cache of another structure.
    pub fn push(&mut self, other: Cache) -> Result<()> {
        if self.0.len() != other.0.len() {
            let text = format!("a cache of {} layers cannot join one of {}", other.0.len(), self.0.len());
            return Err(Error::Invalid(text));
        }
        let pairs = self.0.iter_mut().zip(other.0);
        pairs.into_iter().try_for_each(|(layer, other)| layer.push(other))
    }

    /// Takes the row with this index out; those behind it move up. Without rows a cache is of no more use.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a row that is not there, [`Error::Mlx`].
    pub fn remove(&mut self, row: usize) -> Result<Cache> {
        self.0.iter_mut().map(|layer| layer.remove(row)).collect::<Result<_>>().map(Cache)
    }

    /// A snapshot of the row with this index.
    ///
    /// # Errors
    /// [`Error::Invalid`] for a row that is not there, [`Error::Mlx`].
    pub fn row(&self, row: usize) -> Result<Cache> {
        self.0.iter().map(|layer| layer.row(row)).collect::<Result<_>>().map(Cache)
    }

    /// Whether [`Cache::take_together`] is possible: no layer is recurrent, or of several parts.
    pub(crate) fn can_take_together(&self) -> bool {
        self.0.iter().all(|layer| matches!(layer, LayerCache::Attention(_) | LayerCache::Nothing))
    }

    /// Has the last row take `count` tokens in a step in which the others take one: each is an entry of the batch, in order.
    /// With 1 all is as it was.
    pub(crate) fn take_together(&mut self, count: i32) {
        for layer in &mut self.0 {
            if let LayerCache::Attention(cache) = layer {
                cache.take_together(count);
            }
        }
    }

    /// Whether tokens can be taken back at all: no layer is recurrent.
    pub fn is_trimmable(&self) -> bool {
        self.0.iter().all(LayerCache::is_trimmable)
    }

    /// Whether the last `tokens` of each row can be taken back: never in recurrent layers, and in a window only a few.
    pub fn can_trim(&self, tokens: i32) -> bool {
        self.0.iter().all(|layer| layer.can_trim(tokens))
    }

    /// Takes back the last `tokens` of each row.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless [`Cache::can_trim`]; nothing has changed then.
    pub fn trim(&mut self, tokens: i32) -> Result<()> {
        if !self.can_trim(tokens) {
            return Err(Error::Invalid(format!("the cache cannot go back {tokens} tokens")));
        }
        self.0.iter_mut().for_each(|layer| layer.trim(tokens));
        Ok(())
    }

    /// Quantizes all keys and values, those here and those to come, once `start` tokens have passed in their row: at
    /// once where they have. What brings a row there sees it whole. States of recurrences stay as they are.
    ///
    /// # Errors
    /// A quantization that does not exist, does not fit the size of the heads, or is another than the one of keys and
    /// values that are quantized already.
    pub fn quantize(&mut self, quantization: Quantization, start: i32) -> Result<()> {
        self.0
            .iter_mut()
            .try_for_each(|layer| layer.for_attention(&mut |cache| cache.quantize(quantization, start)))
    }

    /// How many more tokens can pass before keys and values of a row are quantized that are not yet; none without such
    /// rows.
    pub(crate) fn tokens_before_quantization(&self) -> Option<i32> {
        self.0.iter().filter_map(LayerCache::tokens_before_quantization).min()
    }

    /// Tells how long each row will be behind its prompt, which may come in parts: rotary embeddings with wavelengths for
    /// short and for long sequences choose by that, and so rotate all parts alike.
    pub fn expect(&mut self, length: i32) {
        self.0.iter_mut().for_each(|layer| layer.expect(length));
    }

    /// Has room made for `tokens` tokens at once: memory that grows by and by is copied each time, and there twice meanwhile.
    pub fn reserve(&mut self, tokens: i32) {
        self.0.iter_mut().for_each(|layer| layer.reserve(tokens));
    }

    /// Bounds an empty cache: layers that would keep every token keep the first `keep` and the last `size - keep`, and
    /// see no others.
    ///
    /// # Errors
    /// [`Error::Invalid`] unless `size` is more than `keep`, and for a cache in use.
    pub fn limit(&mut self, size: i32, keep: i32) -> Result<()> {
        if keep < 0 || size <= keep {
            return Err(Error::Invalid(format!("a cache of {size} tokens cannot keep the first {keep}")));
        }
        self.0
            .iter_mut()
            .try_for_each(|layer| layer.for_attention(&mut |cache| cache.limit(size - keep, keep)))
    }
}
