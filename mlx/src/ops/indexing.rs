//! Elements chosen by arrays of positions, along one axis or several.
//!
//! MLX does not check positions on the device and would touch foreign memory. Here a position out of range is
//! *clamped* to the nearest one in range, on the device and without a host round trip.

use super::create::check_shape;
use crate::{
    Array, Axes, Dtype, Error, Operand, Result,
    ffi::{ArrayList, ops},
    index::resolve_axis,
    zeros,
};

impl Array {
    /// The elements at `indices` along `axis`: the result has `indices`' shape in place of that axis. With `..` as
    /// the axis, positions count through the flattened array.
    ///
    /// Negative positions count from the end; positions out of range are clamped.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::Array;
    /// let table = Array::from_slice(&[10, 11, 20, 21, 30, 31], &[3, 2]);
    /// let at = Array::from_slice(&[2u32, 0], &[2]);
    /// assert_eq!(table.take(&at, 0)?.to_vec::<i32>()?, [30, 31, 10, 11]);
    /// assert_eq!(table.take(&at, ..)?.to_vec::<i32>()?, [20, 10]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn take(&self, indices: &Array, axis: impl Into<Axes>) -> Result<Array> {
        let (x, axis) = along("take", self, axis.into())?;
        let indices = clamped("take", indices, x.shape()?, axis)?;
        let mut shape = x.shape()?.to_vec();
        shape.splice(axis..=axis, indices.shape()?.iter().copied());
        check_shape("take", &shape, x.dtype()?)?;
        ops::take(&x, &indices, axis as i32)
    }

    /// The elements at `indices` along `axis`, where `indices` has this array's rank and each line its own positions;
    /// the other axes broadcast. With `..` as the axis both are read flattened.
    ///
    /// Negative positions count from the end; positions out of range are clamped.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::Array::from_slice(&[30, 10, 20, 5, 6, 4], &[2, 3]);
    /// let order = x.argsort(-1)?;
    /// assert_eq!(x.take_along_axis(&order, -1)?.to_vec::<i32>()?, [10, 20, 30, 4, 5, 6]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn take_along_axis(&self, indices: &Array, axis: impl Into<Axes>) -> Result<Array> {
        let axes = axis.into();
        let indices = &if axes.list().is_none() { indices.reshape([-1])? } else { indices.clone() };
        let (x, axis) = along("take_along_axis", self, axes)?;
        let indices = clamped("take_along_axis", indices, x.shape()?, axis)?;
        ops::take_along_axis(&x, &indices, axis as i32)
    }

    /// The array with `values` at `indices` along `axis`; the reverse of [`Array::take_along_axis`].
    ///
    /// Where a line names a position more than once any one of its values stays.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, zeros};
    /// let classes = Array::from_slice(&[2u32, 0], &[2, 1]);
    /// let one_hot = zeros(&[2, 3], Dtype::I32).put_along_axis(&classes, 1, -1)?;
    /// assert_eq!(one_hot.to_vec::<i32>()?, [0, 0, 1, 1, 0, 0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn put_along_axis(
        &self,
        indices: &Array,
        values: impl Operand,
        axis: impl Into<Axes>,
    ) -> Result<Array> {
        put("put_along_axis", self, indices, values, axis.into(), ops::put_along_axis)
    }

    /// The array with `values` added at `indices` along `axis`, all of them where a line names a position more than
    /// once; otherwise as [`Array::put_along_axis`].
    #[track_caller]
    pub fn scatter_add_axis(
        &self,
        indices: &Array,
        values: impl Operand,
        axis: impl Into<Axes>,
    ) -> Result<Array> {
        put("scatter_add_axis", self, indices, values, axis.into(), ops::scatter_add_axis)
    }

    /// For each position of the broadcast `indices` the block of `sizes` (one per axis of the array) that begins at
    /// `indices[i]` on `axes[i]` and at zero on the others. The result has the axes of the indices, then the block's.
    ///
    /// The general form behind [`Array::at`], which is easier to read. Negative begins count from the end; all are
    /// clamped so that blocks fit.
    #[track_caller]
    pub fn gather(&self, indices: &[&Array], axes: &[i32], sizes: &[i32]) -> Result<Array> {
        let shape = self.shape()?;
        let fits =
            sizes.len() == shape.len() && sizes.iter().zip(shape).all(|(&size, n)| (0..=*n).contains(&size));
        if !fits {
            return Err(Error::invalid(
                "gather",
                format!("blocks of {sizes:?} do not fit the shape {shape:?}"),
            ));
        }
        let starts = Starts::new("gather", shape, indices, axes, sizes)?;
        let mut result = starts.shape.clone();
        result.extend(sizes);
        check_shape("gather", &result, self.dtype()?)?;
        if result.contains(&0) {
            return Ok(zeros(&result, self.dtype()?));
        }
        ops::gather(self, &starts.list()?, &starts.axes, sizes)
    }
}

#[track_caller]
fn put(
    op: &'static str,
    x: &Array,
    indices: &Array,
    values: impl Operand,
    axes: Axes,
    write: fn(&Array, &Array, &Array, i32) -> Result<Array>,
) -> Result<Array> {
    let dtype = x.dtype()?;
    let mut values = values.into_array(dtype)?.astype(dtype)?;
    let mut indices = indices.clone();
    let flat = axes.list().is_none();
    if flat {
        indices = indices.reshape([-1])?;
        values = if values.size()? == 1 { values } else { values.reshape([-1])? };
    }
    let (line, axis) = along(op, x, axes)?;
    let indices = clamped(op, &indices, line.shape()?, axis)?;
    if indices.size()? == 0 || values.size()? == 0 || line.size()? == 0 {
        // Nothing is written; MLX divides by these sizes.
        return Ok(x.clone());
    }
    let written = write(&line, &indices, &values, axis as i32)?;
    if flat { written.reshape(x.shape()?) } else { Ok(written) }
}

/// The array and the axis to index; for `..` the flattened array.
#[track_caller]
fn along(op: &'static str, x: &Array, axes: Axes) -> Result<(Array, usize)> {
    match axes.list() {
        Some(&[axis]) => Ok((x.clone(), resolve_axis(op, axis, x.shape()?)?)),
        Some(list) => Err(Error::invalid(op, format!("takes one axis or `..`, not {list:?}"))),
        None => Ok((x.reshape([i32::try_from(x.size()?).unwrap_or(-1)])?, 0)),
    }
}

/// `indices` limited to the positions that `axis` has; negative ones count from the end.
#[track_caller]
pub(crate) fn clamped(op: &'static str, indices: &Array, shape: &[i32], axis: usize) -> Result<Array> {
    let extent = shape[axis];
    require_integers(op, indices)?;
    if extent == 0 && indices.size()? > 0 {
        let text = format!("axis {axis} of the shape {shape:?} has no elements to take");
        return Err(Error::invalid(op, text));
    }
    let (last, dtype) = (i64::from(extent) - 1, indices.dtype()?);
    if last >= largest(dtype) {
        // The dtype is too narrow to point beyond the axis, and for the limits.
        return Ok(indices.clone());
    }
    let below = indices.minimum(last)?;
    if dtype.is_unsigned() { Ok(below) } else { below.maximum(-last - 1) }
}

#[track_caller]
pub(super) fn require_integers(op: &'static str, indices: &Array) -> Result<()> {
    let dtype = indices.dtype()?;
    if dtype.is_integer() {
        return Ok(());
    }
    Err(Error::invalid(op, format!("indices must be integers, not {dtype}; convert them with `astype`")))
}

/// The largest number of an integer dtype, as far as it matters for an axis.
fn largest(dtype: Dtype) -> i64 {
    match dtype {
        Dtype::I8 => i8::MAX.into(),
        Dtype::U8 => u8::MAX.into(),
        Dtype::I16 => i16::MAX.into(),
        Dtype::U16 => u16::MAX.into(),
        _ => i32::MAX.into(),
    }
}

/// Integer `starts` as `I64`.
#[track_caller]
pub(super) fn widened(op: &'static str, starts: &Array) -> Result<Array> {
    require_integers(op, starts)?;
    // 64 unsigned bits would turn negative when converted.
    let narrow = if starts.dtype()? == Dtype::U64 { starts.minimum(i32::MAX)? } else { starts.clone() };
    narrow.astype(Dtype::I64)
}

/// Where blocks of `size` begin on an axis of `extent`; negative ones count from the end.
#[track_caller]
fn block_starts(op: &'static str, starts: &Array, extent: i32, size: i32) -> Result<Array> {
    let starts = widened(op, starts)?;
    let from_start = starts.less(0)?.where_(starts.add(extent)?, &starts)?;
    from_start.clip(0, extent - size)?.astype(Dtype::I32)
}

/// Where the blocks of a gather or a scatter begin.
pub(super) struct Starts {
    arrays: Vec<Array>,
    /// The indexed axes, counted from the first.
    pub(super) axes: Vec<i32>,
    /// What the arrays broadcast to.
    pub(super) shape: Vec<i32>,
}

impl Starts {
    /// `sizes` holds the extent of a block per axis of `shape`, none larger than that.
    #[track_caller]
    pub(super) fn new(
        op: &'static str,
        shape: &[i32],
        indices: &[&Array],
        axes: &[i32],
        sizes: &[i32],
    ) -> Result<Starts> {
        if indices.len() != axes.len() {
            let text = format!("{} arrays of indices for the {} axes {axes:?}", indices.len(), axes.len());
            return Err(Error::invalid(op, text));
        }
        let mut starts = Starts { arrays: vec![], axes: vec![], shape: vec![] };
        for (indices, &axis) in indices.iter().zip(axes) {
            let axis = resolve_axis(op, axis, shape)?;
            if starts.axes.contains(&(axis as i32)) {
                return Err(Error::invalid(op, format!("axis {axis} occurs twice in {axes:?}")));
            }
            let own = indices.shape()?;
            let Some(both) = crate::index::broadcast(&starts.shape, own) else {
                let text = format!("indices of shape {own:?} do not broadcast with {:?}", starts.shape);
                return Err(Error::invalid(op, text));
            };
            starts.shape = both;
            let array = match sizes[axis] {
                1 => clamped(op, indices, shape, axis)?.astype(Dtype::I32)?,
                size => block_starts(op, indices, shape[axis], size)?,
            };
            starts.arrays.push(array);
            starts.axes.push(axis as i32);
        }
        Ok(starts)
    }

    #[track_caller]
    pub(super) fn list(&self) -> Result<ArrayList<'_>> {
        ArrayList::of(&self.arrays)
    }
}
