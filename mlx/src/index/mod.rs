//! One pair for NumPy's brackets: `x.at((.., 0..3, -1, New))` reads, `x.set_at(index, value)` writes.

mod axes;
mod item;
mod mask;
mod plan;
mod read;
mod span;
mod write;

pub(crate) use axes::resolve_axis;
pub use axes::{Axes, axes};
pub use item::{Index, Item, New, Rest, Span, step};
pub(crate) use plan::broadcast;
