//! The same elements in another shape.

use super::create::check_shape;
use crate::{
    Array, Axes, Dtype, Error, Result,
    array::element_count,
    ffi::{ArrayList, ops},
    index::resolve_axis,
};

/// No elements fill any number of parts, which would fill the memory.
const MOST_EMPTY_PARTS: i32 = 1 << 16;

impl Array {
    /// The elements in another shape; one extent may be -1 and is worked out.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::arange(0.0, 6.0, 1.0, mlx::Dtype::I32)?;
    /// assert_eq!(x.reshape([2, -1])?.shape()?, [2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn reshape(&self, shape: impl AsRef<[i32]>) -> Result<Array> {
        let (shape, dtype) = (shape.as_ref(), self.dtype()?);
        let known: Vec<i32> = shape.iter().map(|&extent| if extent == -1 { 1 } else { extent }).collect();
        check_shape("reshape", &known, dtype)?;
        ops::reshape(self, shape)
    }

    /// The dimensions in the order of `axes`: `x.transpose([0, 2, 1, 3])`; `..` reverses them.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::zeros(&[2, 3, 4], mlx::Dtype::F32);
    /// assert_eq!(x.transpose([0, 2, 1])?.shape()?, [2, 4, 3]);
    /// assert_eq!(x.transpose(..)?.shape()?, [4, 3, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "permute_dims")]
    #[track_caller]
    pub fn transpose(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::transpose(self, &axes.into())
    }

    /// The last two dimensions exchanged; a matrix transposed.
    #[doc(alias = "matrix_transpose")]
    #[doc(alias = "mT")]
    #[track_caller]
    pub fn t(&self) -> Result<Array> {
        ops::matrix_transpose(self)
    }

    /// Two dimensions exchanged.
    #[track_caller]
    pub fn swapaxes(&self, a: i32, b: i32) -> Result<Array> {
        ops::swapaxes(self, a, b)
    }

    /// Without the given axes, which must have length one; `..` for all of that length.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::zeros(&[1, 3, 1], mlx::Dtype::F32);
    /// assert_eq!(x.squeeze(-1)?.shape()?, [1, 3]);
    /// assert_eq!(x.squeeze(..)?.shape()?, [3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn squeeze(&self, axes: impl Into<Axes>) -> Result<Array> {
        ops::squeeze(self, &axes.into())
    }

    /// With new axes of length one where `axes` says, counted in the result.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::zeros(&[3], mlx::Dtype::F32);
    /// assert_eq!(x.expand_dims([0, 2])?.shape()?, [1, 3, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn expand_dims(&self, axes: impl Into<Axes>) -> Result<Array> {
        match axes.into().list() {
            Some(list) => ops::expand_dims(self, list),
            None => Err(Error::invalid("expand_dims", "`..` names no position for a new axis")),
        }
    }

    /// The dimensions from `start` to `end` (inclusive, may be negative) as one.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::zeros(&[2, 3, 4], mlx::Dtype::F32);
    /// assert_eq!(x.flatten(1, -1)?.shape()?, [2, 12]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn flatten(&self, start: i32, end: i32) -> Result<Array> {
        ops::flatten(self, start, end)
    }

    /// One dimension as several; one extent may be -1 and is worked out. The reverse of [`Array::flatten`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::zeros(&[2, 12], mlx::Dtype::F32);
    /// assert_eq!(x.unflatten(-1, [3, -1])?.shape()?, [2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn unflatten(&self, axis: i32, shape: impl AsRef<[i32]>) -> Result<Array> {
        let own = self.shape()?;
        let extent = own[resolve_axis("unflatten", axis, own)?];
        let shape = inferred("unflatten", shape.as_ref(), extent)?;
        ops::unflatten(self, axis, &shape)
    }

    /// Repeated along axes of length one, and new leading axes, until the shape is `shape`. Copies nothing.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let row = mlx::Array::from_slice(&[1, 2], &[2]);
    /// assert_eq!(row.broadcast_to([2, 2])?.to_vec::<i32>()?, [1, 2, 1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn broadcast_to(&self, shape: impl AsRef<[i32]>) -> Result<Array> {
        check_shape("broadcast_to", shape.as_ref(), self.dtype()?)?;
        ops::broadcast_to(self, shape.as_ref())
    }

    /// Each element `repeats` times in a row along one axis, or with `..` in the flattened array.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 2], &[2]);
    /// assert_eq!(x.repeat(2, 0)?.to_vec::<i32>()?, [1, 1, 2, 2]);
    /// assert_eq!(x.tile([2])?.to_vec::<i32>()?, [1, 2, 1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn repeat(&self, repeats: i32, axis: impl Into<Axes>) -> Result<Array> {
        let axis = axis.into().single("repeat")?;
        let mut shape = self.shape()?.to_vec();
        match axis {
            Some(axis) => {
                let axis = resolve_axis("repeat", axis, &shape)?;
                shape[axis] = shape[axis].checked_mul(repeats).unwrap_or(-1);
            }
            None => shape.push(repeats),
        }
        check_shape("repeat", &shape, self.dtype()?)?;
        ops::repeat(self, repeats, axis)
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

    /// The elements moved by `shift` places along the axes; those pushed out come in again at the other end.
    ///
    /// One shift goes for all axes, several go one to each. With `..`, the array is rolled as if flattened.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[1, 2, 3, 4], &[2, 2]);
    /// assert_eq!(x.roll(1, -1)?.to_vec::<i32>()?, [2, 1, 4, 3]);
    /// assert_eq!(x.roll(1, ..)?.to_vec::<i32>()?, [4, 1, 2, 3]);
    /// assert_eq!(x.roll([1, 0], [0, 1])?.to_vec::<i32>()?, [3, 4, 1, 2]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn roll(&self, shift: impl Into<Shifts>, axes: impl Into<Axes>) -> Result<Array> {
        let (Shifts(mut shifts), axes) = (shift.into(), axes.into());
        let count = axes.list().map_or(1, <[i32]>::len);
        if let [shift] = shifts[..] {
            shifts = vec![shift; count];
        }
        if shifts.len() != count {
            let text = format!("{} shifts for {count} axes; give one, or one for each", shifts.len());
            return Err(Error::invalid("roll", text));
        }
        ops::roll(self, &shifts, &axes)
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
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let parts = mlx::arange(0.0, 6.0, 1.0, mlx::Dtype::I32)?.split(3, 0)?;
    /// assert_eq!(parts[1].to_vec::<i32>()?, [2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn split(&self, parts: i32, axis: i32) -> Result<Vec<Array>> {
        let shape = self.shape()?;
        let most = shape[resolve_axis("split", axis, shape)?].max(MOST_EMPTY_PARTS);
        if !(1..=most).contains(&parts) {
            return Err(Error::invalid(
                "split",
                format!("cannot cut {shape:?} along axis {axis} into {parts} parts"),
            ));
        }
        ops::split(self, parts, axis)
    }

    /// Cut along `axis` before each of the positions `at`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let parts = mlx::arange(0.0, 6.0, 1.0, mlx::Dtype::I32)?.split_at(&[1, 4], 0)?;
    /// assert_eq!(parts.len(), 3);
    /// assert_eq!(parts[1].to_vec::<i32>()?, [1, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "split")]
    #[track_caller]
    pub fn split_at(&self, at: &[i32], axis: i32) -> Result<Vec<Array>> {
        ops::split_sections(self, at, axis)
    }

    /// The slices along `axis`, which disappears; the reverse of [`stack`].
    #[track_caller]
    pub fn unstack(&self, axis: i32) -> Result<Vec<Array>> {
        let shape = self.shape()?;
        let extent = shape[resolve_axis("unstack", axis, shape)?];
        if self.size()? == 0 && extent > MOST_EMPTY_PARTS {
            return Err(Error::invalid(
                "unstack",
                format!("{shape:?} would give {extent} arrays without elements"),
            ));
        }
        ops::unstack(self, axis)
    }

    /// The array with at least one dimension.
    #[track_caller]
    pub fn atleast_1d(&self) -> Result<Array> {
        ops::atleast_1d(self)
    }

    /// The array with at least two dimensions; new ones come first.
    #[track_caller]
    pub fn atleast_2d(&self) -> Result<Array> {
        ops::atleast_2d(self)
    }

    /// The array with at least three dimensions: a vector lies along the second, a matrix along the first two.
    #[track_caller]
    pub fn atleast_3d(&self) -> Result<Array> {
        ops::atleast_3d(self)
    }

    /// The product of the extents of the axes, as a scalar of `dtype` that follows the shape when a compiled function is
    /// used for another one. Outside of such functions, [`Array::size`] and [`Array::dim`] do.
    #[track_caller]
    pub fn number_of_elements(&self, axes: impl Into<Axes>, dtype: Dtype) -> Result<Array> {
        let shape = self.shape()?;
        let axes = axes.into();
        let all: Vec<i32> = (0..shape.len() as i32).collect();
        let axes = axes.list().unwrap_or(&all);
        for &axis in axes {
            resolve_axis("number_of_elements", axis, shape)?;
        }
        ops::number_of_elements(self, axes, false, dtype)
    }
}

/// `shape` with its -1, if there is one, replaced by what is left of `extent`. MLX divides by the rest unasked.
#[track_caller]
fn inferred(op: &'static str, shape: &[i32], extent: i32) -> Result<Vec<i32>> {
    let known: Vec<i32> = shape.iter().copied().filter(|&n| n != -1).collect();
    let missing = match element_count(&known) {
        Some(0) => None,
        Some(product) => {
            i32::try_from(product).ok().filter(|product| extent % product == 0).map(|p| extent / p)
        }
        None => None,
    };
    match (shape.len() - known.len(), missing) {
        (0, _) => Ok(known),
        (1, Some(missing)) => Ok(shape.iter().map(|&n| if n == -1 { missing } else { n }).collect()),
        _ => Err(Error::invalid(op, format!("{extent} elements do not fill {shape:?} in exactly one way"))),
    }
}

/// How far to [`Array::roll`]: `1`, or `[1, -2]` for several axes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shifts(Vec<i32>);

impl From<i32> for Shifts {
    fn from(shift: i32) -> Shifts {
        Shifts(vec![shift])
    }
}

impl From<Vec<i32>> for Shifts {
    fn from(shifts: Vec<i32>) -> Shifts {
        Shifts(shifts)
    }
}

impl From<&[i32]> for Shifts {
    fn from(shifts: &[i32]) -> Shifts {
        Shifts(shifts.to_vec())
    }
}

impl<const AXES: usize> From<[i32; AXES]> for Shifts {
    fn from(shifts: [i32; AXES]) -> Shifts {
        Shifts(shifts.to_vec())
    }
}

/// The arrays, or references to them, one after the other along `axis`.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Dtype, concatenate, ones};
/// let (a, b) = (ones(&[2, 3], Dtype::F32), ones(&[1, 3], Dtype::F32));
/// assert_eq!(concatenate(&[&a, &b], 0)?.shape()?, [3, 3]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "concat")]
#[track_caller]
pub fn concatenate(arrays: &[impl AsRef<Array>], axis: i32) -> Result<Array> {
    ops::concatenate(&ArrayList::of(arrays)?, axis)
}

/// The arrays, or references to them, all of one shape, along a new axis.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, stack};
/// let (a, b) = (Array::from_slice(&[1, 2], &[2]), Array::from_slice(&[3, 4], &[2]));
/// assert_eq!(stack(&[&a, &b], 1)?.to_vec::<i32>()?, [1, 3, 2, 4]);
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn stack(arrays: &[impl AsRef<Array>], axis: i32) -> Result<Array> {
    ops::stack(&ArrayList::of(arrays)?, axis)
}
