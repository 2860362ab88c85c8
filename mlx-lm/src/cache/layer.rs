//! The state of one layer.

use super::{AttentionCache, Offset, State, invalid, reach::Reach};
use crate::{Error, Result};
use mlx::{Array, fast::Mask};

/// What one layer keeps: keys and values, a recurrent state, several of these, or nothing.
#[derive(Clone, Debug)]
pub enum LayerCache {
    /// Keys and values.
    Attention(AttentionCache),
    /// The state of a recurrence.
    State(State),
    /// One entry for each part of a layer of several.
    List(Vec<LayerCache>),
    /// Of a layer without memory.
    Nothing,
}

impl LayerCache {
    /// An empty cache of every token's keys and values.
    pub fn full() -> LayerCache {
        LayerCache::Attention(AttentionCache::new(Reach::All))
    }

    /// An empty cache for layers whose queries see the last `size` tokens, their own included.
    pub fn window(size: i32) -> LayerCache {
        LayerCache::Attention(AttentionCache::new(Reach::Window { size: size.max(1), keep: 0 }))
    }

    /// An empty cache for layers whose queries see their own block of `size` tokens, up to themselves.
    pub fn chunk(size: i32) -> LayerCache {
        LayerCache::Attention(AttentionCache::new(Reach::Chunk(size.max(1))))
    }

    /// An empty cache of so many arrays of a recurrence.
    pub fn state(arrays: usize) -> LayerCache {
        LayerCache::State(State::new(arrays))
    }

    /// How many tokens have passed in each row: the positions of the next ones.
    pub fn offset(&self) -> Offset {
        match self {
            LayerCache::Attention(cache) => cache.offset(),
            LayerCache::State(state) => state.offset(),
            LayerCache::List(parts) => parts.first().map_or(Offset::Same(0), LayerCache::offset),
            LayerCache::Nothing => Offset::Same(0),
        }
    }

    /// Appends `k` and `v` `[batch, kv heads, new, dim]`, then attends from `q` `[batch, heads, new, dim]` over
    /// everything that the layer sees. Windows hide what they must by themselves: `mask` is the same for all layers.
    pub fn attend(
        &mut self,
        q: &Array,
        k: &Array,
        v: &Array,
        scale: f32,
        mask: Mask<'_>,
    ) -> mlx::Result<Array> {
        self.attention_mut()?.attend(q, k, v, scale, mask, None)
    }

    /// [`LayerCache::attend`] with attention sinks `[heads]`: one more logit per head in each softmax.
    pub fn attend_with_sinks(
        &mut self,
        q: &Array,
        k: &Array,
        v: &Array,
        scale: f32,
        mask: Mask<'_>,
        sinks: &Array,
    ) -> mlx::Result<Array> {
        self.attention_mut()?.attend(q, k, v, scale, mask, Some(sinks))
    }

    /// Appends `k` and `v` `[batch, kv heads, new, dim]`, then lets `f` attend over everything that the layer sees, for
    /// attention of a kind that [`LayerCache::attend`] is not.
    ///
    /// `f` gets parts of `queries` `[batch, ...]`, all keys and values that these may see, and their mask; it gives an
    /// array `[batch, ...]`. It may be called more than once, for parts of the batch.
    pub fn attend_by<const N: usize>(
        &mut self,
        queries: [&Array; N],
        k: &Array,
        v: &Array,
        mask: Mask<'_>,
        mut f: impl FnMut([&Array; N], &Array, &Array, Mask<'_>) -> mlx::Result<Array>,
    ) -> mlx::Result<Array> {
        self.attention_mut()?.by_rows(queries, Some([k, v]), mask, |queries, keys, values, mask| {
            f(queries, &keys.dense(k)?, &values.dense(v)?, mask)
        })
    }

    /// Attends from `q` `[batch, heads, new, dim]` over everything that the layer sees, to which the keys and values of
    /// the same tokens have been appended before: for layers that share them.
    pub fn attend_kept(&mut self, q: &Array, scale: f32, mask: Mask<'_>) -> mlx::Result<Array> {
        self.attention_mut()?.attend_kept(q, scale, mask)
    }

    /// The state of a recurrence.
    ///
    /// # Errors
    /// The cache was made for something else.
    pub fn state_mut(&mut self) -> mlx::Result<&mut State> {
        match self {
            LayerCache::State(state) => Ok(state),
            _ => Err(invalid("cache", "the layer has no recurrent state")),
        }
    }

    /// The entry of a part of the layer.
    ///
    /// # Errors
    /// The cache was made for something else.
    pub fn part_mut(&mut self, index: usize) -> mlx::Result<&mut LayerCache> {
        match self {
            LayerCache::List(parts) => parts.get_mut(index),
            _ => None,
        }
        .ok_or_else(|| invalid("cache", format!("the layer has no part {index}")))
    }

    fn attention_mut(&mut self) -> mlx::Result<&mut AttentionCache> {
        match self {
            LayerCache::Attention(cache) => Ok(cache),
            _ => Err(invalid("cache", "the layer keeps no keys and values")),
        }
    }

    pub(super) fn push(&mut self, other: LayerCache) -> Result<()> {
        match (self, other) {
            (LayerCache::Attention(cache), LayerCache::Attention(other)) => cache.push(other),
            (LayerCache::State(state), LayerCache::State(other)) => state.push(other)?,
            (LayerCache::List(parts), LayerCache::List(others)) if parts.len() == others.len() => {
                parts.iter_mut().zip(others).try_for_each(|(part, other)| part.push(other))?;
            }
            (LayerCache::Nothing, LayerCache::Nothing) => {}
            _ => return Err(Error::Invalid("caches of different models cannot be joined".into())),
        }
        Ok(())
    }

    pub(super) fn remove(&mut self, row: usize) -> Result<LayerCache> {
        Ok(match self {
            LayerCache::Attention(cache) => LayerCache::Attention(cache.remove(row)?),
            LayerCache::State(state) => LayerCache::State(state.remove(row)?),
            LayerCache::List(parts) => {
                LayerCache::List(parts.iter_mut().map(|part| part.remove(row)).collect::<Result<_>>()?)
            }
            LayerCache::Nothing => LayerCache::Nothing,
        })
    }

    pub(super) fn row(&self, row: usize) -> Result<LayerCache> {
        Ok(match self {
            LayerCache::Attention(cache) => LayerCache::Attention(cache.row(row)?),
            LayerCache::State(state) => LayerCache::State(state.row(row)?),
            LayerCache::List(parts) => {
                LayerCache::List(parts.iter().map(|part| part.row(row)).collect::<Result<_>>()?)
            }
            LayerCache::Nothing => LayerCache::Nothing,
        })
    }

    pub(super) fn is_trimmable(&self) -> bool {
        match self {
            LayerCache::State(_) => false,
            LayerCache::List(parts) => parts.iter().all(LayerCache::is_trimmable),
            LayerCache::Attention(_) | LayerCache::Nothing => true,
        }
    }

    pub(super) fn can_trim(&self, tokens: i32) -> bool {
        match self {
            LayerCache::Attention(cache) => cache.can_trim(tokens),
            LayerCache::State(_) => tokens == 0,
            LayerCache::List(parts) => parts.iter().all(|part| part.can_trim(tokens)),
            LayerCache::Nothing => true,
        }
    }

    pub(super) fn trim(&mut self, tokens: i32) {
        match self {
            LayerCache::Attention(cache) => cache.trim(tokens),
            LayerCache::List(parts) => parts.iter_mut().for_each(|part| part.trim(tokens)),
            LayerCache::State(_) | LayerCache::Nothing => {}
        }
    }

    pub(super) fn expect(&mut self, length: i32) {
        match self {
            LayerCache::Attention(cache) => cache.expect(length),
            LayerCache::List(parts) => parts.iter_mut().for_each(|part| part.expect(length)),
            LayerCache::State(_) | LayerCache::Nothing => {}
        }
    }

    pub(super) fn reserve(&mut self, tokens: i32) {
        match self {
            LayerCache::Attention(cache) => cache.reserve(tokens),
            LayerCache::List(parts) => parts.iter_mut().for_each(|part| part.reserve(tokens)),
            LayerCache::State(_) | LayerCache::Nothing => {}
        }
    }

    pub(super) fn tokens_before_quantization(&self) -> Option<i32> {
        match self {
            LayerCache::Attention(cache) => cache.tokens_before_quantization(),
            LayerCache::List(parts) => parts.iter().filter_map(LayerCache::tokens_before_quantization).min(),
            LayerCache::State(_) | LayerCache::Nothing => None,
        }
    }

    /// Applies `f` to all keys and values of the layer.
    pub(super) fn for_attention(
        &mut self,
        f: &mut impl FnMut(&mut AttentionCache) -> Result<()>,
    ) -> Result<()> {
        match self {
            LayerCache::Attention(cache) => f(cache),
            LayerCache::List(parts) => parts.iter_mut().try_for_each(|part| part.for_attention(f)),
            LayerCache::State(_) | LayerCache::Nothing => Ok(()),
        }
    }

    pub(super) fn arrays<'a>(&'a self, out: &mut Vec<&'a Array>) {
        match self {
            LayerCache::Attention(cache) => cache.arrays(out),
            LayerCache::State(state) => out.extend(state.arrays()),
            LayerCache::List(parts) => parts.iter().for_each(|part| part.arrays(out)),
            LayerCache::Nothing => {}
        }
    }
}
