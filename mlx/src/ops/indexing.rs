//! Parts of arrays chosen by arrays of positions, and plain slices.
//!
//! MLX does not check positions on the device and would touch foreign memory. Here a position out of range is
//! *clamped* to the nearest one in range, on the device and without a host round trip.

use crate::{Array, Dtype, Error, Operand, Result, ffi::ops, index::resolve_axis};

impl Array {
    /// The elements at `indices` along `axis`: the result has `indices`' shape in place of that axis.
    ///
    /// Negative positions count from the end; positions out of range are clamped.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::Array;
    /// let table = Array::from_slice(&[10, 11, 20, 21, 30, 31], &[3, 2]);
    /// let rows = table.take(&Array::from_slice(&[2u32, 0], &[2]), 0)?;
    /// assert_eq!(rows.to_vec::<i32>()?, [30, 31, 10, 11]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn take(&self, indices: &Array, axis: i32) -> Result<Array> {
        ops::take(self, &in_range("take", self, indices, axis)?, axis)
    }

    /// The elements at `indices` along `axis`, where `indices` has this array's rank and each line its own positions.
    ///
    /// Negative positions count from the end; positions out of range are clamped.
    #[track_caller]
    pub fn take_along_axis(&self, indices: &Array, axis: i32) -> Result<Array> {
        ops::take_along_axis(self, &in_range("take_along_axis", self, indices, axis)?, axis)
    }

    /// The array with `values` at `indices` along `axis`; the reverse of [`Array::take_along_axis`].
    #[track_caller]
    pub fn put_along_axis(&self, indices: &Array, values: impl Operand, axis: i32) -> Result<Array> {
        let values = values.into_array(self.dtype()?)?;
        ops::put_along_axis(self, &in_range("put_along_axis", self, indices, axis)?, &values, axis)
    }

    /// The block from `start` (inclusive) to `stop` (exclusive), one of each per dimension.
    #[track_caller]
    pub fn slice(&self, start: &[i32], stop: &[i32]) -> Result<Array> {
        check_extents("slice", self.shape()?, start, stop)?;
        ops::slice(self, start, stop, &vec![1; start.len()])
    }

    /// The array with the block from `start` (inclusive) to `stop` (exclusive) replaced by `update`.
    ///
    /// Where nothing else refers to the array's memory, MLX writes in place.
    #[track_caller]
    pub fn slice_update(&self, update: &Array, start: &[i32], stop: &[i32]) -> Result<Array> {
        check_extents("slice_update", self.shape()?, start, stop)?;
        ops::slice_update(self, update, start, stop, &vec![1; start.len()])
    }
}

/// `indices` limited to the positions `axis` has.
#[track_caller]
fn in_range(op: &'static str, x: &Array, indices: &Array, axis: i32) -> Result<Array> {
    let shape = x.shape()?;
    let extent = shape[resolve_axis(op, axis, shape)?];
    let dtype = indices.dtype()?;
    if !dtype.is_integer() {
        return Err(Error::invalid(op, format!("indices must be integers, not {dtype}")));
    }
    if extent == 0 && indices.size()? > 0 {
        return Err(Error::invalid(
            op,
            format!("axis {axis} of the shape {shape:?} has no elements to take"),
        ));
    }
    let last = i64::from(extent) - 1;
    let largest = match dtype {
        Dtype::I8 => i8::MAX.into(),
        Dtype::U8 => u8::MAX.into(),
        Dtype::I16 => i16::MAX.into(),
        Dtype::U16 => u16::MAX.into(),
        _ => i64::from(i32::MAX),
    };
    if last >= largest {
        // The dtype is too narrow to point beyond the axis, and for the limits.
        return Ok(indices.clone());
    }
    let below = indices.minimum(last)?;
    if dtype.is_unsigned() { Ok(below) } else { below.maximum(-last - 1) }
}

#[track_caller]
fn check_extents(op: &'static str, shape: &[i32], start: &[i32], stop: &[i32]) -> Result<()> {
    let fits = shape.len() == start.len()
        && shape.len() == stop.len()
        && shape
            .iter()
            .zip(start.iter().zip(stop))
            .all(|(n, (from, to))| 0 <= *from && from <= to && to <= n);
    if fits {
        return Ok(());
    }
    Err(Error::invalid(op, format!("the block {start:?} to {stop:?} does not lie in the shape {shape:?}")))
}
