//! Operations on arrays, by what they do. Each is a method of [`Array`](crate::Array) when it has a clear subject.

pub(crate) mod create;
mod elementwise;
mod indexing;
mod matrix;
mod order;
mod reduce;
mod shape;

pub use create::{arange, eye, full, linspace, ones, zeros};
pub use shape::{concatenate, stack};
