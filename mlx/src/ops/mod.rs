//! Operations on arrays, by what they do. Each is a method of [`Array`](crate::Array) when it has a clear subject.

mod broadcast;
mod compare;
pub(crate) mod create;
mod diagonal;
mod divide;
mod elementwise;
mod graph;
mod indexing;
mod layout;
mod matrix;
mod order;
mod pad;
mod reduce;
mod scan;
mod shape;
mod unique;
mod window;

pub use broadcast::{Grid, broadcast_arrays, broadcast_shapes, meshgrid};
pub use compare::Tolerance;
pub use create::{Endpoints, arange, full, linspace, ones, zeros};
pub use diagonal::{MatrixSize, eye, identity, matrix, tri};
pub use elementwise::NonFinite;
pub use graph::depends;
pub use order::Side;
pub use pad::{PadMode, Padding};
pub use scan::{Scan, scan};
pub use shape::{Shifts, concatenate, stack};
pub use unique::Unique;
pub use window::{bartlett, blackman, hamming, hanning};
