//! A vector per token.

use super::{init, weight::Weight};
use crate::{Array, Module, Result};

/// A table of vectors, for dense and quantized checkpoints alike.
#[derive(Clone, Debug, Module)]
pub struct Embedding {
    #[module(flatten)]
    weight: Weight,
}

impl Embedding {
    /// `count` vectors of `dims` numbers, all zero.
    #[track_caller]
    pub fn new(count: i32, dims: i32) -> Embedding {
        Embedding { weight: Weight::new(count, dims) }
    }

    /// The table drawn from the normal distribution with standard deviation `1 / sqrt(dims)`.
    #[track_caller]
    pub fn init(mut self, key: &Array) -> Result<Embedding> {
        let weight = self.weight.dense()?;
        let [count, dims] = weight.dims()?;
        *weight.value_mut() = init::normal(&[count, dims], 0.0, init::scale(dims)?, key)?;
        Ok(self)
    }

    /// The vectors of `ids`: `[...]` to `[..., dims]`. Ids out of range are clamped.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, nn::Embedding, random};
    /// let tokens = Embedding::new(100, 8).init(&random::key(0)?)?;
    /// assert_eq!(tokens.forward(&Array::from_slice(&[5u32, 7], &[1, 2]))?.shape()?, [1, 2, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn forward(&self, ids: &Array) -> Result<Array> {
        self.weight.rows(ids)
    }

    /// The table as the matrix of a linear layer, for heads tied to the embedding: `[..., dims]` to `[..., count]`.
    #[track_caller]
    pub fn as_linear(&self, x: &Array) -> Result<Array> {
        self.weight.project(x)
    }
}
