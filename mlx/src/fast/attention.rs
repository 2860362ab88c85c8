//! Scaled dot-product attention.

use crate::{Array, Error, Result, cpu, ffi::ops};

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

impl<'a> Mask<'a> {
    /// The causal mask for `queries` new positions; a single one sees everything.
    pub fn causal(queries: i32) -> Mask<'static> {
        if queries > 1 { Mask::Causal } else { Mask::None }
    }

    /// This mask and attention sinks: one more logit per query head in each softmax, which takes a share of the
    /// weight and gives no value ([Xiao et al., 2023](https://arxiv.org/abs/2309.17453)).
    pub fn sinks(self, sinks: &'a Array) -> AttentionOptions<'a> {
        AttentionOptions { sinks: Some(sinks), ..self.into() }
    }
}

/// Options of [`scaled_dot_product_attention`], made from a [`Mask`].
#[derive(Clone, Copy, Debug)]
pub struct AttentionOptions<'a> {
    mask: Mask<'a>,
    sinks: Option<&'a Array>,
    force_fused: bool,
}

impl<'a> AttentionOptions<'a> {
    /// Fails where the backend has no fused kernel for the arguments, instead of composing one of other operations
    /// that holds all scores in memory.
    pub fn force_fused(self) -> AttentionOptions<'a> {
        AttentionOptions { force_fused: true, ..self }
    }
}

impl<'a> From<Mask<'a>> for AttentionOptions<'a> {
    fn from(mask: Mask<'a>) -> Self {
        AttentionOptions { mask, sinks: None, force_fused: false }
    }
}

/// `softmax(scale · q kᵀ + mask) v` for `q` `[batch, heads, queries, dim]` and `k`, `v`
/// `[batch, kv heads, keys, dim]`; the number of heads is a multiple of that of kv heads. Softmax is in `f32`.
///
/// `options` is a [`Mask`], or one with more: `Mask::Causal.sinks(&sinks)`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, fast::{self, Mask}, ones};
/// let q = ones(&[1, 4, 3, 8], Dtype::F32);                                        // four heads, three queries
/// let (k, v) = (ones(&[1, 2, 5, 8], Dtype::F32), ones(&[1, 2, 5, 8], Dtype::F32)); // two of keys and values
/// let y = fast::scaled_dot_product_attention(&q, &k, &v, 8f32.sqrt().recip(), Mask::Causal)?;
/// assert_eq!(y.shape()?, [1, 4, 3, 8]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn scaled_dot_product_attention<'a>(
    q: &Array,
    k: &Array,
    v: &Array,
    scale: f32,
    options: impl Into<AttentionOptions<'a>>,
) -> Result<Array> {
    let AttentionOptions { mask, sinks, force_fused } = options.into();
    check_shapes(q, k, v)?;
    if !force_fused && let Some(y) = cpu::attention([q, k, v], scale, mask, sinks)? {
        return Ok(y);
    }
    let (mode, array) = match mask {
        Mask::None => ("", None),
        Mask::Causal => ("causal", None),
        Mask::Array(mask) => ("array", Some(mask)),
    };
    ops::scaled_dot_product_attention(q, k, v, scale, mode, array, sinks, force_fused)
}

/// MLX divides by the number of heads, and its kernels trust the lengths of `k` and `v` to agree.
#[track_caller]
fn check_shapes(q: &Array, k: &Array, v: &Array) -> Result<()> {
    let fits = match (q.shape()?, k.shape()?, v.shape()?) {
        ([batch, heads, _, dim], [k_batch, k_heads, keys, k_dim], [v_batch, v_heads, values, _]) => {
            *k_heads > 0
                && heads % k_heads == 0
                && (k_heads, keys) == (v_heads, values)
                && [k_batch, v_batch] == [batch, batch]
                && k_dim == dim
        }
        _ => false,
    };
    if fits {
        return Ok(());
    }
    let text = format!(
        "q {:?}, k {:?}, v {:?} are not [batch, heads, queries, dim] and twice [batch, kv heads, keys, dim] with \
         heads a multiple of kv heads",
        q.shape()?,
        k.shape()?,
        v.shape()?
    );
    Err(Error::invalid("scaled_dot_product_attention", text))
}
