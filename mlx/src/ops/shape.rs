//! The same elements in another shape.

use super::create::check_shape;
use crate::{
    Array, Axes, Error, Result,
    ffi::{ArrayList, ops},
    index::resolve_axis,
};

impl Array {
    /// The elements in another shape; one extent may be -1 and is worked out.
    #[track_caller]
    pub fn reshape(&self, shape: impl AsRef<[i32]>) -> Result<Array> {
        let (shape, dtype) = (shape.as_ref(), self.dtype()?);
        let known: Vec<i32> = shape.iter().map(|&extent| if extent == -1 { 1 } else { extent }).collect();
        check_shape("reshape", &known, dtype)?;
        ops::reshape(self, shape)
    }

    /// The dimensions in the order of `axes`: `x.transpose([0, 2, 1, 3])`; `..` reverses them.
    #[track_caller]
    pub fn transpose(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::transpose(self, &axes.into())
    }

    /// The last two dimensions exchanged; a matrix transposed.
    #[track_caller]
    pub fn t(&self) -> Result<Array> {
        self.swapaxes(-1, -2)
    }

    /// Two dimensions exchanged.
    #[track_caller]
    pub fn swapaxes(&self, a: i32, b: i32) -> Result<Array> {
        ops::swapaxes(self, a, b)
    }

    /// Without the given axes, which must have length one; `..` for all of that length.
    #[track_caller]
    pub fn squeeze(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::squeeze(self, &axes.into())
    }

    /// With new axes of length one where `axes` says, counted in the result.
    #[track_caller]
    pub fn expand_dims(&self, axes: impl Into<Axes>) -> Result<Array> {
        match axes.into().list() {
            Some(list) => ops::expand_dims(self, list),
            None => Err(Error::invalid("expand_dims", "`..` names no position for a new axis")),
        }
    }

    /// The dimensions from `start` to `end` (inclusive, may be negative) as one.
    #[track_caller]
    pub fn flatten(&self, start: i32, end: i32) -> Result<Array> {
        ops::flatten(self, start, end)
    }

    /// Repeated along axes of length one, and new leading axes, until the shape is `shape`. Copies nothing.
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl AsRef<[i32]>) -> Result<Array> {
        check_shape("broadcast_to", shape.as_ref(), self.dtype()?)?;
        ops::broadcast_to(self, shape.as_ref())
    }

    /// Each element `repeats` times in a row along `axis`.
    #[track_caller]
    pub fn repeat(&self, repeats: i32, axis: i32) -> Result<Array> {
        let mut shape = self.shape()?.to_vec();
        let axis_index = resolve_axis("repeat", axis, &shape)?;
        shape[axis_index] = shape[axis_index].checked_mul(repeats).unwrap_or(-1);
        check_shape("repeat", &shape, self.dtype()?)?;
        ops::repeat(self, repeats, Some(axis))
    }

    /// The elements in reverse order along the axes; `..` for all.
    #[track_caller]
    pub fn flip(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::flip(self, &axes.into())
    }

    /// One dimension moved elsewhere, the others in their order.
    #[track_caller]
    pub fn moveaxis(&self, source: i32, destination: i32) -> Result<Array> {
        ops::moveaxis(self, source, destination)
    }

    /// The elements moved along `axis` by `shift` places; those pushed out come in again.
    #[track_caller]
    pub fn roll(&self, shift: i32, axis: i32) -> Result<Array> {
        ops::roll(self, &[shift], &axis.into())
    }

    /// The whole array repeated along each dimension.
    #[track_caller]
    pub fn tile(&self, repeats: impl AsRef<[i32]>) -> Result<Array> {
        let repeats = repeats.as_ref();
        let shape: Vec<i32> = self.shape()?.iter().chain(repeats).copied().filter(|&n| n != 0).collect();
        check_shape("tile", &shape, self.dtype()?)?;
        ops::tile(self, repeats)
    }

    /// Cut into `parts` equal parts along `axis`.
    #[track_caller]
    pub fn split(&self, parts: i32, axis: i32) -> Result<Vec<Array>> {
        if parts < 1 {
            return Err(Error::invalid("split", format!("cannot cut into {parts} parts")));
        }
        ops::split(self, parts, axis)
    }

    /// Cut along `axis` before each of the positions `at`.
    #[track_caller]
    pub fn split_at(&self, at: &[i32], axis: i32) -> Result<Vec<Array>> {
        ops::split_sections(self, at, axis)
    }
}

/// The arrays one after the other along `axis`.
#[track_caller]
pub fn concatenate(arrays: &[&Array], axis: i32) -> Result<Array> {
    ops::concatenate(&ArrayList::of(arrays.iter().copied())?, axis)
}

/// The arrays, all of one shape, along a new axis.
#[track_caller]
pub fn stack(arrays: &[&Array], axis: i32) -> Result<Array> {
    ops::stack(&ArrayList::of(arrays.iter().copied())?, axis)
}
