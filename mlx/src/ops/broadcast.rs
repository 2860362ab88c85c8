//! Arrays of different shapes brought to one.

use crate::{
    Array, Error, Result,
    ffi::{ArrayList, ops},
};

/// The shape that all the shapes broadcast to: aligned at their last axes, extents agree or are 1.
///
/// ```
/// assert_eq!(mlx::broadcast_shapes(&[&[2, 1], &[3]])?, [2, 3]);
/// # Ok::<(), mlx::Error>(())
/// ```
#[track_caller]
pub fn broadcast_shapes(shapes: &[&[i32]]) -> Result<Vec<i32>> {
    let rank = shapes.iter().map(|shape| shape.len()).max().unwrap_or(0);
    let extent = |shape: &[i32], from_last: usize| shape.iter().rev().nth(from_last).copied().unwrap_or(1);
    let common = |from_last: usize| {
        let mut common = 1;
        for shape in shapes {
            match extent(shape, from_last) {
                1 => {}
                n if n < 0 || (common != 1 && common != n) => return None,
                n => common = n,
            }
        }
        Some(common)
    };
    let shape: Option<Vec<i32>> = (0..rank).rev().map(common).collect();
    match shape {
        Some(shape) => Ok(shape),
        None => Err(Error::invalid("broadcast_shapes", format!("{shapes:?} have no common shape"))),
    }
}

/// The arrays, or references to them, each broadcast to the shape common to all. Copies nothing.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, broadcast_arrays};
/// let (row, column) = (Array::from_slice(&[1, 2, 3], &[3]), Array::from_slice(&[4, 5], &[2, 1]));
/// let both = broadcast_arrays(&[&row, &column])?;
/// assert_eq!(both[1].to_vec::<i32>()?, [4, 4, 4, 5, 5, 5]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn broadcast_arrays(arrays: &[impl AsRef<Array>]) -> Result<Vec<Array>> {
    ops::broadcast_arrays(&ArrayList::of(arrays)?)
}

/// How [`meshgrid`] lays out its grids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grid {
    indexing: &'static str,
    sparse: bool,
}

impl Grid {
    /// Cartesian: the first coordinate runs along the columns, the second along the rows; as in pictures and plots.
    pub const XY: Grid = Grid { indexing: "xy", sparse: false };
    /// Matrix order: coordinate `n` runs along axis `n`.
    pub const IJ: Grid = Grid { indexing: "ij", sparse: false };

    /// Each grid has length one along the axes of the other coordinates, and broadcasts.
    pub const fn sparse(self) -> Grid {
        Grid { sparse: true, ..self }
    }
}

/// One array per coordinate, over the grid that the coordinates' values (vectors) span.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, ops::Grid};
/// let (x, y) = (Array::from_slice(&[1, 2, 3], &[3]), Array::from_slice(&[10, 20], &[2]));
/// let grids = mlx::meshgrid(&[&x, &y], Grid::XY)?;
/// assert_eq!(grids[0].to_vec::<i32>()?, [1, 2, 3, 1, 2, 3]);
/// assert_eq!(grids[1].to_vec::<i32>()?, [10, 10, 10, 20, 20, 20]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn meshgrid(coordinates: &[impl AsRef<Array>], grid: Grid) -> Result<Vec<Array>> {
    ops::meshgrid(&ArrayList::of(coordinates)?, grid.sparse, grid.indexing)
}
