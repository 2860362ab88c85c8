//! Attention with heads of its own projections.

use super::Linear;
use crate::{
    Array, Dtype, Error, Module, New, Result, arange,
    fast::{Mask, scaled_dot_product_attention},
    random,
};

/// Several heads of attention over projections of queries, keys and values, joined and projected again
/// ([Vaswani et al., 2017](https://arxiv.org/abs/1706.03762)).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, fast::Mask, nn::MultiHeadAttention, ones, random};
/// let attention = MultiHeadAttention::new(32, 4).init(&random::key(0)?)?;
/// let x = ones(&[2, 5, 32], Dtype::F32);
/// assert_eq!(attention.forward(&x, &x, &x, Mask::Causal)?.shape()?, [2, 5, 32]);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Module)]
pub struct MultiHeadAttention {
    query_proj: Linear,
    key_proj: Linear,
    value_proj: Linear,
    out_proj: Linear,
    #[module(skip)]
    sizes: Sizes,
}

#[derive(Clone, Copy, Debug)]
struct Sizes {
    dims: i32,
    heads: i32,
    query_inputs: i32,
    key_inputs: i32,
    value_inputs: i32,
    values: i32,
    outputs: i32,
    bias: bool,
}

impl MultiHeadAttention {
    /// Of `heads` heads that share `dims` features; inputs and outputs have as many. The projections are zero and have
    /// no biases.
    ///
    /// The `with_…` methods make other projections, zero again: use them before [`init`](MultiHeadAttention::init).
    #[track_caller]
    pub fn new(dims: i32, heads: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes {
            dims,
            heads,
            query_inputs: dims,
            key_inputs: dims,
            value_inputs: dims,
            values: dims,
            outputs: dims,
            bias: false,
        })
    }

    #[track_caller]
    fn of(sizes: Sizes) -> MultiHeadAttention {
        let Sizes { dims, query_inputs, key_inputs, value_inputs, values, outputs, bias, .. } = sizes;
        MultiHeadAttention {
            query_proj: Linear::new(query_inputs, dims).with_bias(bias),
            key_proj: Linear::new(key_inputs, dims).with_bias(bias),
            value_proj: Linear::new(value_inputs, values).with_bias(bias),
            out_proj: Linear::new(values, outputs).with_bias(bias),
            sizes,
        }
    }

    /// With queries of that many features.
    #[doc(alias = "query_input_dims")]
    #[track_caller]
    pub fn with_query_inputs(self, query_inputs: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { query_inputs, ..self.sizes })
    }

    /// With keys, and values, of that many features.
    #[doc(alias = "key_input_dims")]
    #[track_caller]
    pub fn with_key_inputs(self, key_inputs: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { key_inputs, value_inputs: key_inputs, ..self.sizes })
    }

    /// With values of that many features.
    #[doc(alias = "value_input_dims")]
    #[track_caller]
    pub fn with_value_inputs(self, value_inputs: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { value_inputs, ..self.sizes })
    }

    /// With that many features of all heads' values after their projection.
    #[doc(alias = "value_dims")]
    #[track_caller]
    pub fn with_values(self, values: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { values, ..self.sizes })
    }

    /// With outputs of that many features.
    #[doc(alias = "value_output_dims")]
    #[track_caller]
    pub fn with_outputs(self, outputs: i32) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { outputs, ..self.sizes })
    }

    /// With biases in all projections, or without.
    #[track_caller]
    pub fn with_bias(self, bias: bool) -> MultiHeadAttention {
        MultiHeadAttention::of(Sizes { bias, ..self.sizes })
    }

    /// With projections drawn as [`Linear::init`] does.
    #[track_caller]
    pub fn init(self, key: &Array) -> Result<MultiHeadAttention> {
        let [query, key, value, out] = random::split(key)?;
        Ok(MultiHeadAttention {
            query_proj: self.query_proj.init(&query)?,
            key_proj: self.key_proj.init(&key)?,
            value_proj: self.value_proj.init(&value)?,
            out_proj: self.out_proj.init(&out)?,
            sizes: self.sizes,
        })
    }

    /// `queries` `[batch, queries, features]` looking at `keys` and `values` `[batch, keys, features]`:
    /// `[batch, queries, outputs]`. The mask broadcasts to `[batch, heads, queries, keys]`.
    #[track_caller]
    pub fn forward(&self, queries: &Array, keys: &Array, values: &Array, mask: Mask<'_>) -> Result<Array> {
        let queries = self.split(&self.query_proj.forward(queries)?)?;
        let keys = self.split(&self.key_proj.forward(keys)?)?;
        let values = self.split(&self.value_proj.forward(values)?)?;
        let scale = f64::from(queries.dim(-1)?).recip().sqrt() as f32;
        let heads = scaled_dot_product_attention(&queries, &keys, &values, scale, mask)?;
        self.out_proj.forward(&heads.transpose([0, 2, 1, 3])?.flatten(-2, -1)?)
    }

    /// `[batch, length, features]` to `[batch, heads, length, features / heads]`.
    #[track_caller]
    fn split(&self, x: &Array) -> Result<Array> {
        const OP: &str = "MultiHeadAttention";
        let heads = self.sizes.heads;
        let &[_, _, features] = x.shape()? else {
            let text = format!("the shape is {:?}, not [batch, length, features]", x.shape()?);
            return Err(Error::invalid(OP, text));
        };
        if heads < 1 || features % heads != 0 {
            let text = format!("{features} features cannot be shared by {heads} heads");
            return Err(Error::invalid(OP, text));
        }
        x.unflatten(-1, [heads, features / heads])?.transpose([0, 2, 1, 3])
    }

    /// The mask `[n, n]` that lets each position see itself and those before, as numbers to be added to scores: zero,
    /// or the lowest of `dtype`. [`Mask::Causal`] does it without an array.
    #[track_caller]
    pub fn create_additive_causal_mask(n: i32, dtype: Dtype) -> Result<Array> {
        let lowest = dtype.finfo()?.min;
        let positions = arange(0.0, f64::from(n.max(0)), 1.0, Dtype::I32)?;
        let later = positions.at((.., New))?.less(&positions.at(New)?)?;
        later.astype(dtype)?.multiply(lowest)
    }
}
