//! Operations that MLX runs as one kernel where the backend has it.

use crate::{Array, Error, Result, ffi::ops};

/// Root-mean-square normalization over the last axis: `x / sqrt(mean(x²) + eps) * weight`
/// ([Zhang and Sennrich, 2019](https://arxiv.org/abs/1910.07467)).
#[track_caller]
pub fn rms_norm(x: &Array, weight: Option<&Array>, eps: f32) -> Result<Array> {
    ops::rms_norm(x, weight, eps)
}

/// Options of [`rope`].
#[derive(Clone, Copy, Debug)]
pub struct RopeOptions<'a> {
    /// How many of the last axis's elements are rotated; even.
    pub dims: i32,
    /// Rotates neighbouring pairs instead of halves.
    pub traditional: bool,
    /// The base of the frequencies; ignored when `freqs` is given.
    pub base: f32,
    /// Multiplies positions.
    pub scale: f32,
    /// The wavelengths divided by 2π, `[dims / 2]`, in place of `base`'s.
    pub freqs: Option<&'a Array>,
}

/// Rotary position embedding of `x` `[..., length, dims or more]`, whose first position is `offset`
/// ([Su et al., 2021](https://arxiv.org/abs/2104.09864)).
#[track_caller]
pub fn rope(x: &Array, offset: i32, options: RopeOptions<'_>) -> Result<Array> {
    let RopeOptions { dims, traditional, base, scale, freqs } = options;
    let base = freqs.is_none().then_some(base);
    ops::rope(x, dims, traditional, base, scale, offset, freqs)
}

/// Which keys a query may see.
#[derive(Clone, Copy, Debug)]
pub enum Mask<'a> {
    /// All of them.
    None,
    /// Those at or before the query's position; the last query stands at the last key.
    Causal,
    /// `Bool`: where true; otherwise added to the scores. Broadcasts to `[batch, heads, queries, keys]`.
    Array(&'a Array),
}

impl Mask<'_> {
    /// The causal mask for `queries` new positions; a single one sees everything.
    pub fn causal(queries: i32) -> Mask<'static> {
        if queries > 1 { Mask::Causal } else { Mask::None }
    }
}

/// `softmax(scale · q kᵀ + mask) v` for `q` `[batch, heads, queries, dim]` and `k`, `v`
/// `[batch, kv heads, keys, dim]`; the number of heads is a multiple of that of kv heads. Softmax is in `f32`.
#[track_caller]
pub fn scaled_dot_product_attention(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f32,
    mask: Mask<'_>,
) -> Result<Array> {
    let (mode, array) = match mask {
        Mask::None => ("", None),
        Mask::Causal => ("causal", None),
        Mask::Array(mask) => ("array", Some(mask)),
    };
    if q.ndim()? != 4 {
        return Err(Error::invalid(
            "scaled_dot_product_attention",
            format!("q has the shape {:?}", q.shape()?),
        ));
    }
    ops::scaled_dot_product_attention(q, k, v, scale, mode, array, None, false)
}
