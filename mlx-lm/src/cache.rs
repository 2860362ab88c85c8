//! What a model keeps between tokens.

use mlx::{
    Array, Dtype, Result,
    fast::{AppendBuffer, AttentionOptions, scaled_dot_product_attention},
};

/// The state of one sequence (or of several of equal length), one entry per layer.
#[derive(Clone, Debug)]
pub struct Cache(Vec<LayerCache>);

impl Cache {
    /// A cache with these entries, one per layer.
    pub fn new(layers: Vec<LayerCache>) -> Cache {
        Cache(layers)
    }

    /// How many tokens have passed.
    pub fn offset(&self) -> i32 {
        self.0.first().map_or(0, LayerCache::offset)
    }

    /// The entries, for the layers in order.
    pub fn layers_mut(&mut self) -> impl Iterator<Item = &mut LayerCache> {
        self.0.iter_mut()
    }

    /// All arrays of the state; evaluate them with each step, or the graph of all steps stays alive.
    pub fn arrays(&self) -> impl Iterator<Item = &Array> {
        self.0.iter().flat_map(LayerCache::arrays)
    }
}

/// The state of one layer.
#[derive(Clone, Debug)]
pub enum LayerCache {
    /// Keys and values of every token.
    Full(KvCache),
}

impl LayerCache {
    /// An empty cache of every token.
    pub fn full() -> LayerCache {
        LayerCache::Full(KvCache::default())
    }

    /// How many tokens have passed: the position of the next one.
    pub fn offset(&self) -> i32 {
        match self {
            LayerCache::Full(cache) => cache.keys.len(),
        }
    }

    /// Appends `k` and `v` `[batch, kv heads, new, dim]`, then attends from `q` `[batch, heads, new, dim]` over
    /// everything kept. `options` is a mask, or one with more.
    pub fn attend<'a>(
        &mut self,
        q: &Array,
        k: &Array,
        v: &Array,
        scale: f32,
        options: impl Into<AttentionOptions<'a>>,
    ) -> Result<Array> {
        match self {
            LayerCache::Full(cache) => {
                let (k, v) = cache.append(k, v)?;
                scaled_dot_product_attention(q, &k, &v, scale, options)
            }
        }
    }

    /// Appends `k` and `v` `[batch, kv heads, new, dim]` and gives everything kept, for attention of a kind that
    /// [`LayerCache::attend`] is not.
    pub fn append(&mut self, k: &Array, v: &Array) -> Result<(Array, Array)> {
        match self {
            LayerCache::Full(cache) => cache.append(k, v),
        }
    }

    fn arrays(&self) -> impl Iterator<Item = &Array> {
        match self {
            LayerCache::Full(cache) => cache.keys.memory().into_iter().chain(cache.values.memory()),
        }
    }
}

/// Keys and values of every token.
#[derive(Clone, Debug)]
pub struct KvCache {
    keys: AppendBuffer,
    values: AppendBuffer,
}

impl Default for KvCache {
    fn default() -> KvCache {
        KvCache { keys: AppendBuffer::new(2), values: AppendBuffer::new(2) }
    }
}

impl KvCache {
    /// Appends along axis 2 and gives all keys and all values.
    fn append(&mut self, k: &Array, v: &Array) -> Result<(Array, Array)> {
        self.keys.append(k)?;
        self.values.append(v)?;
        Ok((self.keys.array()?, self.values.array()?))
    }
}

/// The causal mask for `queries` new tokens after `offset`, each of which sees the last `window` tokens only.
/// `None` where the plain causal mask says the same.
pub(crate) fn window_mask(queries: i32, offset: i32, window: i32) -> Result<Option<Array>> {
    if offset + queries <= window {
        return Ok(None);
    }
    let position = |from: i32, to: i32| mlx::arange(from.into(), to.into(), 1.0, Dtype::I32);
    let query = position(offset, offset + queries)?.expand_dims(1)?;
    let key = position(0, offset + queries)?.expand_dims(0)?;
    query.greater_equal(&key)?.logical_and(query.less(key + window)?).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use mlx::{concatenate, random};

    #[test]
    fn rows_come_back_in_order_across_blocks() -> Result<()> {
        let mut cache = KvCache::default();
        let mut all: Vec<Array> = vec![];
        for (step, count) in [3, 1, 250, 1, 1, 1, 600, 1].into_iter().enumerate() {
            let k = random::normal(&[2, 3, count, 8], Dtype::F32, &random::key(step as u64)?)?;
            all.push(k.clone());
            let (keys, values) = cache.append(&k, &(&k * 2.0))?;
            let expected = concatenate(&all.iter().collect::<Vec<_>>(), 2)?;
            assert_eq!(keys.to_vec::<f32>()?, expected.to_vec::<f32>()?);
            assert_eq!(values.to_vec::<f32>()?, (expected * 2.0).to_vec::<f32>()?);
        }
        Ok(())
    }

    #[test]
    fn a_window_hides_the_future_and_the_far_past() -> Result<()> {
        assert!(window_mask(3, 1, 4)?.is_none());
        for (queries, offset, window) in [(3, 2, 4), (1, 9, 4), (5, 0, 2)] {
            let mask = window_mask(queries, offset, window)?.expect("a mask").to_vec::<bool>()?;
            let expected = (offset..offset + queries)
                .flat_map(|q| (0..offset + queries).map(move |k| k <= q && q < k + window))
                .collect::<Vec<_>>();
            assert_eq!(mask, expected);
        }
        Ok(())
    }
}
