//! Attention whose last layers look at the keys and values of earlier ones, as Gemma 3n and Gemma 4 have it
//! ([Brandon et al., 2024](https://arxiv.org/abs/2405.12981)).

use super::{DecoderConfig, Rope, merge_heads, split_heads};
use crate::{Cache, LayerCache, Offset, Result};
use mlx::{
    Array, Error, ErrorKind, Loader, Module,
    fast::Mask,
    nn::{Linear, RmsNorm},
};

/// For each layer, the one whose keys and values it looks at: the last `borrowers` of all look at those of the last layer
/// of their kind before, the others at their own.
///
/// # Errors
/// [`crate::Error::Invalid`] where a kind that borrows has no layer before.
pub fn lenders(c: &DecoderConfig, borrowers: usize) -> Result<Vec<usize>> {
    let kinds: Vec<&str> = (0..c.num_hidden_layers).map(|layer| c.layer_type(layer)).collect();
    let (owners, rest) = kinds.split_at(kinds.len().saturating_sub(borrowers));
    let lender = |kind: &&str| {
        owners.iter().rposition(|owner| owner == kind).ok_or_else(|| {
            crate::Error::Invalid(format!(
                "config.json: the last {borrowers} layers share keys and values, but no `{kind}` layer before has any"
            ))
        })
    };
    (0..owners.len()).map(Ok).chain(rest.iter().map(lender)).collect()
}

/// Sizes of [`SharedKvAttention`].
#[derive(Clone, Copy, Debug)]
pub struct SharedKvSizes {
    /// Features of the residual stream.
    pub hidden: i32,
    /// Heads of queries.
    pub heads: i32,
    /// Heads of keys and values.
    pub kv_heads: i32,
    /// Features of a head.
    pub dim: i32,
}

/// Attention with queries, keys and values of each head normalized, and scores that nothing scales.
#[derive(Debug, Module)]
pub struct SharedKvAttention {
    q_proj: Linear,
    q_norm: RmsNorm,
    #[module(flatten)]
    own: Option<KeysAndValues>,
    o_proj: Linear,
    rope: Rope,
    dim: i32,
    /// The layer whose keys and values this one looks at.
    #[module(skip)]
    lender: usize,
}

#[derive(Debug, Module)]
struct KeysAndValues {
    k_proj: Linear,
    /// `None` where keys before their norm are values too.
    v_proj: Option<Linear>,
    k_norm: RmsNorm,
    v_norm: RmsNorm,
}

impl SharedKvAttention {
    /// The attention of `layer`, with norms of `eps` and without biases, over the keys and values of `lender`.
    pub fn new(s: SharedKvSizes, [layer, lender]: [usize; 2], rope: Rope, eps: f32) -> SharedKvAttention {
        let linear = |heads| Linear::new(s.hidden, heads * s.dim);
        let own = || KeysAndValues {
            k_proj: linear(s.kv_heads),
            v_proj: Some(linear(s.kv_heads)),
            k_norm: RmsNorm::new(s.dim, eps),
            v_norm: RmsNorm::new(s.dim, eps).with_affine(false),
        };
        SharedKvAttention {
            q_proj: linear(s.heads),
            q_norm: RmsNorm::new(s.dim, eps),
            own: (layer == lender).then(own),
            o_proj: Linear::new(s.heads * s.dim, s.hidden),
            rope,
            dim: s.dim,
            lender,
        }
    }

    /// With one projection for keys and values.
    pub fn with_keys_as_values(mut self) -> SharedKvAttention {
        if let Some(own) = &mut self.own {
            own.v_proj = None;
        }
        self
    }

    /// An empty cache for the layer, which attends to a `window` if it has one.
    fn new_cache(&self, window: Option<i32>) -> LayerCache {
        match (&self.own, window) {
            (None, _) => LayerCache::Nothing,
            (Some(_), Some(size)) => LayerCache::window(size),
            (Some(_), None) => LayerCache::full(),
        }
    }

    /// `x` `[batch, length, dims]`, which starts at `position`, to the same shape; `caches` are those of all layers.
    pub fn forward(
        &self,
        x: &Array,
        position: &Offset,
        caches: &mut [&mut LayerCache],
    ) -> mlx::Result<Array> {
        let Some(cache) = caches.get_mut(self.lender) else {
            let text = "the cache is that of a model with fewer layers";
            return Err(Error::new(ErrorKind::InvalidArgument, "attention", text));
        };
        let q = self.q_norm.forward(&split_heads(&self.q_proj.forward(x)?, self.dim)?)?;
        let q = self.rope.forward(&q, position.clone())?;
        let mask = Mask::causal(x.dim(1)?);
        let out = match &self.own {
            Some(own) => {
                let (k, v) = own.forward(x, self.dim)?;
                cache.attend(&q, &self.rope.forward(&k, position.clone())?, &v, 1.0, mask)?
            }
            None => cache.attend_kept(&q, 1.0, mask)?,
        };
        self.o_proj.forward(&merge_heads(&out)?)
    }
}

impl KeysAndValues {
    fn forward(&self, x: &Array, dim: i32) -> mlx::Result<(Array, Array)> {
        let k = split_heads(&self.k_proj.forward(x)?, dim)?;
        let v = match &self.v_proj {
            Some(projection) => split_heads(&projection.forward(x)?, dim)?,
            None => k.clone(),
        };
        Ok((self.k_norm.forward(&k)?, self.v_norm.forward(&v)?))
    }
}

/// An empty cache for `layers` of which some attend to `windows`.
pub fn shared_caches<'a>(
    layers: impl Iterator<Item = &'a SharedKvAttention>,
    windows: &[Option<i32>],
) -> Cache {
    Cache::new(layers.zip(windows).map(|(layer, window)| layer.new_cache(*window)).collect())
}

/// Drops the keys and values that checkpoints have for the last `borrowers` of `layers` layers without use.
pub fn drop_borrowers_keys(weights: &Loader, layers: usize, borrowers: usize) {
    const UNUSED: [&str; 4] = ["k_proj", "v_proj", "k_norm", "v_norm"];
    weights.ignore(|path| {
        let Some((layer, part)) =
            path.strip_prefix("model.layers.").and_then(|rest| rest.split_once(".self_attn."))
        else {
            return false;
        };
        let borrows = layer.parse().is_ok_and(|layer: usize| layer + borrowers >= layers);
        borrows && UNUSED.iter().any(|name| part.starts_with(name))
    });
}
