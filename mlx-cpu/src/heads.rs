//! The vectors of attention heads, however they lie in memory.

use crate::floats::Floats;

/// An array of shape [batch, heads, length, dim] of which the last axis is dense.
#[derive(Clone, Copy, Debug)]
pub struct Heads<'a> {
    /// The numbers, the first one first.
    pub values: Floats<'a>,
    /// How many numbers lie between neighbors along the first three axes.
    pub strides: [usize; 3],
}

impl Heads<'_> {
    /// Where the vector of a head at a position begins.
    pub(crate) fn offset(&self, batch: usize, head: usize, position: usize) -> usize {
        batch * self.strides[0] + head * self.strides[1] + position * self.strides[2]
    }
}
