//! A vector per token.

use super::weight::Weight;
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

    /// The vectors of `ids`: `[...]` to `[..., dims]`. Ids out of range are clamped.
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
