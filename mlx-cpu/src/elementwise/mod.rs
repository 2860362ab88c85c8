//! Functions of each element by itself, and conversions between the kinds of numbers.

mod binary;
mod cast;
mod unary;

pub use binary::{Binary, Strided, binary};
pub(crate) use binary::{BinaryOp, dense as binary_dense};
pub use cast::{accumulate, cast};
pub(crate) use cast::{copy, widened};
pub use unary::{Unary, unary};
