//! Sizes of vectors and matrices, and the cross product.

use super::Finite;
use crate::{
    Array, Axes, Error, Result, axes as all_of, ffi::linalg as ops, index::resolve_axis,
    ops::reduce::reducible,
};

/// Which norm: `2`, `f64::INFINITY` and the like are [`Norm::Order`].
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum Norm {
    /// The square root of the sum of squares, of vectors, matrices, or over `..` of all elements.
    #[default]
    Euclidean,
    /// `sum(|x|^p)^(1/p)` of vectors; `0` counts what is not zero, the infinities are the largest and smallest `|x|`.
    ///
    /// Of matrices: `1` and `-1` are the largest and smallest sum of a column, the infinities those of a row, `2` and
    /// `-2` the largest and smallest singular value; there are no others.
    Order(f64),
    /// The square root of the sum of squares of matrices.
    Frobenius,
    /// The sum of the singular values of matrices.
    Nuclear,
}

impl From<i32> for Norm {
    fn from(order: i32) -> Norm {
        Norm::Order(order.into())
    }
}

impl From<f64> for Norm {
    fn from(order: f64) -> Norm {
        Norm::Order(order)
    }
}

/// The norm of vectors along one axis, or of matrices along two (rows, then columns).
///
/// With `..` the whole array is one vector or one matrix, as its dimensions are. Norms by singular values are NaN for
/// a matrix with infinite or NaN elements.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, axes, linalg::{self, Norm}};
/// let x = Array::from_slice(&[3.0f32, 4.0, 6.0, 8.0], &[2, 2]);
/// assert_eq!(linalg::norm(&x, Norm::Euclidean, -1)?.to_vec::<f32>()?, [5.0, 10.0]);
/// assert_eq!(linalg::norm(&x, f64::INFINITY, axes([0, 1]).keep())?.to_vec::<f32>()?, [14.0]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "matrix_norm")]
#[track_caller]
pub fn norm(x: &Array, norm: impl Into<Norm>, axes: impl Into<Axes>) -> Result<Array> {
    let x = &reducible(x)?;
    let (norm, axes) = (norm.into(), axes.into());
    let (along, keep) = (along(x, &axes, norm)?, axes.keeps());
    let matrices = along.list().is_some_and(|list| list.len() == 2);
    let by_values = match norm {
        Norm::Nuclear => true,
        Norm::Order(order) => matrices && order.abs() == 2.0,
        _ => false,
    };
    if by_values {
        let finite = Finite::over(x, along.clone())?;
        let size = supported!("norm", of(&finite.array, norm, &along, keep))?;
        let broken = match along.list() {
            Some(list) if !keep => finite.broken.squeeze(list)?,
            _ => finite.broken,
        };
        return broken.where_(f32::NAN, &size);
    }
    supported!("norm", of(x, norm, &along, keep))
}

#[track_caller]
fn of(x: &Array, norm: Norm, along: &Axes, keep: bool) -> Result<Array> {
    match norm {
        Norm::Euclidean => ops::norm(x, None, along, keep),
        Norm::Order(order) => ops::norm(x, Some(order), along, keep),
        Norm::Frobenius => ops::norm_named(x, "fro", along, keep),
        Norm::Nuclear => ops::norm_named(x, "nuc", along, keep),
    }
}

/// The axes counted from the front, each once; `..` only where it means all elements as one vector.
#[track_caller]
fn along(x: &Array, axes: &Axes, norm: Norm) -> Result<Axes> {
    let shape = x.shape()?;
    let list: Vec<i32> = match axes.list() {
        Some(list) => list.to_vec(),
        None if norm == Norm::Euclidean => return Ok(all_of(..)),
        None => (0..shape.len() as i32).collect(),
    };
    let mut found = Vec::with_capacity(2);
    for &axis in &list {
        let axis = resolve_axis("norm", axis, shape)? as i32;
        if found.contains(&axis) {
            return Err(Error::invalid("norm", format!("axis {axis} is named twice in {list:?}")));
        }
        found.push(axis);
    }
    let fits = match norm {
        Norm::Frobenius | Norm::Nuclear => found.len() == 2,
        Norm::Order(order) => (1..=2).contains(&found.len()) && !order.is_nan(),
        Norm::Euclidean => (1..=2).contains(&found.len()),
    };
    if fits {
        return Ok(found.into());
    }
    Err(Error::invalid("norm", format!("{norm:?} is not defined over {} axes of {shape:?}", found.len())))
}

/// The cross product of vectors of two or three elements along `axis`; the other dimensions broadcast.
///
/// A vector of two elements has a third of zero; the result has three.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, linalg};
/// let (x, y) = (Array::from_slice(&[1, 0, 0], &[3]), Array::from_slice(&[0, 1, 0], &[3]));
/// assert_eq!(linalg::cross(&x, &y, -1)?.to_vec::<i32>()?, [0, 0, 1]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn cross(a: &Array, b: &Array, axis: i32) -> Result<Array> {
    supported!("cross", ops::cross(a, b, axis))
}
