//! Blocks of an array: at places known now, at places computed on the device, and raw strided views.

use super::{create::check_shape, indexing::widened};
use crate::{
    Array, Dtype, Error, Result,
    ffi::ops,
    index::{broadcast, resolve_axis},
};

impl Array {
    /// The block from `start` (inclusive) to `stop` (exclusive), one of each per dimension. For steps see
    /// [`Array::at`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::arange(0.0, 9.0, 1.0, mlx::Dtype::I32)?.reshape([3, 3])?;
    /// assert_eq!(x.slice(&[1, 0], &[3, 2])?.to_vec::<i32>()?, [3, 4, 6, 7]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn slice(&self, start: &[i32], stop: &[i32]) -> Result<Array> {
        check_block("slice", self.shape()?, start, stop)?;
        ops::slice(self, start, stop, &vec![1; start.len()])
    }

    /// The block of `sizes` (one per dimension) that begins at `start` on `axes` and at zero on the others.
    ///
    /// `start` is an integer array of one position per axis, which may be computed on the device. It is clamped to
    /// where the block lies within the array; negative positions do not count from the end.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, arange};
    /// let x = arange(0.0, 9.0, 1.0, Dtype::I32)?.reshape([3, 3])?;
    /// let row = Array::from_slice(&[2], &[1]);
    /// assert_eq!(x.slice_dynamic(&row, &[0], &[1, 3])?.to_vec::<i32>()?, [6, 7, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "slice")]
    #[track_caller]
    pub fn slice_dynamic(&self, start: &Array, axes: &[i32], sizes: &[i32]) -> Result<Array> {
        let start = start_within("slice_dynamic", self.shape()?, start, axes, sizes)?;
        ops::slice_dynamic(self, &start, axes, sizes)
    }

    /// The array with the block of `update`'s shape that begins at `start` on `axes`, and at zero on the others,
    /// replaced by `update`. `start` is clamped as in [`Array::slice_dynamic`].
    #[doc(alias = "slice_update")]
    #[track_caller]
    pub fn slice_update_dynamic(&self, update: &Array, start: &Array, axes: &[i32]) -> Result<Array> {
        let op = "slice_update_dynamic";
        let (shape, block) = (self.shape()?, update.shape()?);
        if block.len() > shape.len() {
            let text = format!("an update of shape {block:?} has more axes than the shape {shape:?}");
            return Err(Error::invalid(op, text));
        }
        let mut sizes = vec![1; shape.len() - block.len()];
        sizes.extend(block);
        let start = start_within(op, shape, start, axes, &sizes)?;
        if update.size()? == 0 {
            return Ok(self.clone());
        }
        ops::slice_update_dynamic(self, &update.reshape(sizes)?.astype(self.dtype()?)?, &start, axes)
    }

    /// A view of the elements, in row-major order, with any shape, strides and offset, all counted in elements.
    ///
    /// Axes may overlap, repeat (stride 0) or run backwards (negative stride). Every element of the view must be one
    /// of the array's. An array whose elements do not lie in row-major order is copied first.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let x = mlx::arange(0.0, 6.0, 1.0, mlx::Dtype::I32)?;
    /// let windows = x.as_strided([4, 3], &[1, 1], 0)?;
    /// assert_eq!(windows.at(2)?.to_vec::<i32>()?, [2, 3, 4]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn as_strided(&self, shape: impl AsRef<[i32]>, strides: &[i64], offset: usize) -> Result<Array> {
        let (op, shape) = ("as_strided", shape.as_ref());
        check_shape(op, shape, self.dtype()?)?;
        if shape.len() != strides.len() {
            return Err(Error::invalid(op, format!("{strides:?} are not one stride per axis of {shape:?}")));
        }
        let size = self.size()?;
        let inside =
            extremes(shape, strides, offset).is_some_and(|(first, last)| first >= 0 && last < size as i128);
        if !inside && !shape.contains(&0) {
            let text = format!(
                "shape {shape:?} with strides {strides:?} from {offset} leaves the array's {size} elements"
            );
            return Err(Error::invalid(op, text));
        }
        if shape.contains(&0) {
            return Ok(crate::zeros(shape, self.dtype()?));
        }
        ops::as_strided(&ops::contiguous(self, false)?, shape, strides, offset)
    }
}

/// The lowest and the highest element that a view of at least one element reaches.
fn extremes(shape: &[i32], strides: &[i64], offset: usize) -> Option<(i128, i128)> {
    let start = i128::try_from(offset).ok()?;
    shape.iter().zip(strides).try_fold((start, start), |(first, last), (&extent, &stride)| {
        let reach = i128::from(extent.max(1) - 1) * i128::from(stride);
        Some((first.checked_add(reach.min(0))?, last.checked_add(reach.max(0))?))
    })
}

macro_rules! updates {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            #[track_caller]
            pub fn $name(&self, update: &Array, start: &[i32], stop: &[i32]) -> Result<Array> {
                let block = check_block(stringify!($name), self.shape()?, start, stop)?;
                check_update(stringify!($name), update, &block)?;
                if block.contains(&0) {
                    return Ok(self.clone());
                }
                ops::$name(self, update, start, stop, &vec![1; start.len()])
            }
        )* }
    };
}

updates! {
    /// The array with the block from `start` (inclusive) to `stop` (exclusive) replaced by `update`, which broadcasts.
    ///
    /// Where nothing else refers to the array's memory, MLX writes in place.
    slice_update;
    /// The array with `update` added to the block from `start` to `stop`. With an index: [`Array::add_at`].
    slice_update_add;
    /// The array with the block from `start` to `stop` multiplied by `update`. With an index:
    /// [`Array::multiply_at`].
    slice_update_prod;
    /// The array with the larger of the block from `start` to `stop` and `update`. With an index: [`Array::max_at`].
    slice_update_max;
    /// The array with the smaller of the block from `start` to `stop` and `update`. With an index:
    /// [`Array::min_at`].
    slice_update_min;
}

/// The shape of the block, which must lie in `shape`.
#[track_caller]
fn check_block(op: &'static str, shape: &[i32], start: &[i32], stop: &[i32]) -> Result<Vec<i32>> {
    let fits = shape.len() == start.len()
        && shape.len() == stop.len()
        && shape
            .iter()
            .zip(start.iter().zip(stop))
            .all(|(n, (from, to))| 0 <= *from && from <= to && to <= n);
    if fits {
        return Ok(start.iter().zip(stop).map(|(from, to)| to - from).collect());
    }
    Err(Error::invalid(op, format!("the block {start:?} to {stop:?} does not lie in the shape {shape:?}")))
}

#[track_caller]
fn check_update(op: &'static str, update: &Array, block: &[i32]) -> Result<()> {
    let given = update.shape()?;
    // Leading axes of length one are MLX's to drop.
    let lead = given.iter().take(given.len().saturating_sub(block.len())).take_while(|&&n| n == 1).count();
    if broadcast(&given[lead..], block).as_deref() == Some(block) {
        return Ok(());
    }
    Err(Error::invalid(op, format!("an update of shape {given:?} does not broadcast to the block {block:?}")))
}

/// `start` as one position per axis such that a block of `sizes` lies in `shape`.
#[track_caller]
fn start_within(
    op: &'static str,
    shape: &[i32],
    start: &Array,
    axes: &[i32],
    sizes: &[i32],
) -> Result<Array> {
    let fits = sizes.len() == shape.len() && sizes.iter().zip(shape).all(|(size, n)| (0..=*n).contains(size));
    if !fits {
        return Err(Error::invalid(op, format!("a block of {sizes:?} does not fit the shape {shape:?}")));
    }
    if start.ndim()? > 1 || start.size()? != axes.len() {
        let text = format!(
            "start positions of shape {:?} are not one for each of the axes {axes:?}",
            start.shape()?
        );
        return Err(Error::invalid(op, text));
    }
    let mut most = Vec::with_capacity(axes.len());
    for &axis in axes {
        let axis = resolve_axis(op, axis, shape)?;
        most.push(i64::from(shape[axis] - sizes[axis]));
    }
    let most = Array::from_slice(&most, &[axes.len() as i32]);
    widened(op, &start.reshape([axes.len() as i32])?)?.clip(0, &most)?.astype(Dtype::I32)
}
