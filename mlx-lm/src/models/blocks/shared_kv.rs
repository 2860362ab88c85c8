//! Attention whose last layers look at the keys and values of earlier ones, as Gemma 3n and Gemma 4 have it
//! ([Brandon et al., 2024](https://arxiv.org/abs/2405.12981)).

use super::{Rope, merge_heads, split_heads};
use crate::{Result, cache::LayerCache};
use mlx::{
    Array, Error, ErrorKind, Loader, Module,
    fast::{Mask, scaled_dot_product_attention},
    nn::{Linear, RmsNorm},
};
use std::collections::BTreeMap;

/// What a layer does about keys and values.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Sharing {
    /// It has its own.
    Own,
    /// It has its own, and later layers of its kind look at them.
    Lends,
    /// It looks at those of an earlier layer.
    Borrows,
}

impl Sharing {
    /// What each layer does where the last `borrowers` of all look at those of the last layer of their kind before.
    ///
    /// # Errors
    /// [`crate::Error::Invalid`] where no layer lends to a kind that borrows.
    pub fn of_layers(kinds: &[&str], borrowers: usize) -> Result<Vec<Sharing>> {
        let owners = kinds.len().saturating_sub(borrowers);
        let mut all = vec![Sharing::Own; owners];
        for kind in &kinds[owners..] {
            let lender = kinds[..owners].iter().rposition(|owner| owner == kind);
            match lender {
                Some(lender) => all[lender] = Sharing::Lends,
                None => {
                    return Err(crate::Error::Invalid(format!(
                        "config.json: the last {borrowers} layers share keys and values, but no `{kind}` layer \
                         before has any"
                    )));
                }
            }
        }
        all.resize(kinds.len(), Sharing::Borrows);
        Ok(all)
    }
}

/// By whether layers attend to a window, the keys and values that were lent in this pass.
pub type LentKeys = BTreeMap<bool, (Array, Array)>;

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
    lends: bool,
    slides: bool,
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
    /// A layer that attends to a window if it `slides`, with norms of `eps` and without biases.
    pub fn new(s: SharedKvSizes, sharing: Sharing, rope: Rope, eps: f32, slides: bool) -> SharedKvAttention {
        let linear = |outputs| Linear::new(s.hidden, outputs * s.dim);
        let own = || KeysAndValues {
            k_proj: linear(s.kv_heads),
            v_proj: Some(linear(s.kv_heads)),
            k_norm: RmsNorm::new(s.dim, eps),
            v_norm: RmsNorm::new(s.dim, eps).with_affine(false),
        };
        SharedKvAttention {
            q_proj: linear(s.heads),
            q_norm: RmsNorm::new(s.dim, eps),
            own: (sharing != Sharing::Borrows).then(own),
            o_proj: Linear::new(s.heads * s.dim, s.hidden),
            rope,
            dim: s.dim,
            lends: sharing == Sharing::Lends,
            slides,
        }
    }

    /// With one projection for keys and values.
    pub fn with_keys_as_values(mut self) -> SharedKvAttention {
        if let Some(own) = &mut self.own {
            own.v_proj = None;
        }
        self
    }

    /// Whether the layer keeps keys and values.
    pub fn has_cache(&self) -> bool {
        self.own.is_some()
    }

    /// `x` `[batch, length, dims]` to the same shape; its first position is `position`. `cache` is that of a layer with
    /// keys and values of its own.
    pub fn forward(
        &self,
        x: &Array,
        mask: Mask<'_>,
        position: i32,
        cache: Option<&mut LayerCache>,
        lent: &mut LentKeys,
    ) -> mlx::Result<Array> {
        let q = self.q_norm.forward(&split_heads(&self.q_proj.forward(x)?, self.dim)?)?;
        let q = self.rope.forward(&q, position)?;
        let out = match (&self.own, cache) {
            (Some(own), Some(cache)) => {
                let (k, v) = own.forward(x, self.dim)?;
                let k = self.rope.forward(&k, position)?;
                if self.lends {
                    let (k, v) = cache.append(&k, &v)?;
                    let out = scaled_dot_product_attention(&q, &k, &v, 1.0, mask)?;
                    lent.insert(self.slides, (k, v));
                    out
                } else {
                    cache.attend(&q, &k, &v, 1.0, mask)?
                }
            }
            _ => {
                let (k, v) = lent.get(&self.slides).ok_or_else(|| {
                    Error::new(ErrorKind::InvalidArgument, "attention", "the cache is that of another model")
                })?;
                scaled_dot_product_attention(&q, k, v, 1.0, mask)?
            }
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
