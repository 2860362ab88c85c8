//! What a model keeps between tokens.

use mlx::{
    Array, Dtype, Result, concatenate,
    fast::{AttentionOptions, scaled_dot_product_attention},
    zeros,
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
            LayerCache::Full(cache) => cache.length,
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
            LayerCache::Full(cache) => cache.buffers.iter().flatten(),
        }
    }
}

/// Keys and values in buffers that grow by blocks, so that most steps only write their own rows.
#[derive(Clone, Debug, Default)]
pub struct KvCache {
    /// Keys, then values: `[batch, kv heads, capacity, dim]`.
    buffers: Option<[Array; 2]>,
    length: i32,
}

impl KvCache {
    /// Tokens by which the buffers grow.
    const BLOCK: i32 = 256;

    /// Writes the new rows and gives views of all rows.
    fn append(&mut self, k: &Array, v: &Array) -> Result<(Array, Array)> {
        let start = self.length;
        let end = start + k.dim(2)?;
        let buffers = match self.buffers.take() {
            Some(buffers) => buffers,
            None => [empty_like(k)?, empty_like(v)?],
        };
        let [keys, values] = buffers;
        // The old buffer goes out of scope before the step is evaluated, which lets MLX write in place.
        let keys = write(grow(keys, end)?, k, start)?;
        let values = write(grow(values, end)?, v, start)?;
        let views = (keys.at((.., .., ..end))?, values.at((.., .., ..end))?);
        self.buffers = Some([keys, values]);
        self.length = end;
        Ok(views)
    }
}

fn empty_like(x: &Array) -> Result<Array> {
    let [batch, heads, _, dim] = x.dims()?;
    Ok(zeros(&[batch, heads, 0, dim], x.dtype()?))
}

fn grow(buffer: Array, needed: i32) -> Result<Array> {
    let [batch, heads, capacity, dim] = buffer.dims()?;
    if needed <= capacity {
        return Ok(buffer);
    }
    let blocks = (needed - capacity + KvCache::BLOCK - 1) / KvCache::BLOCK;
    let more = zeros(&[batch, heads, blocks * KvCache::BLOCK, dim], buffer.dtype()?);
    if capacity == 0 { Ok(more) } else { concatenate(&[&buffer, &more], 2) }
}

fn write(buffer: Array, rows: &Array, start: i32) -> Result<Array> {
    let [batch, heads, count, dim] = rows.dims()?;
    buffer.slice_update(rows, &[0, 0, start, 0], &[batch, heads, start + count, dim])
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
    use mlx::random;

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
