//! Writing to the part of an array that an index names.

use super::{item::Index, mask, plan::Plan, read::move_block};
use crate::{Array, Dtype, Error, Operand, Result, ffi::ops};

/// What becomes of an element and the value that meets it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Combine {
    Set,
    Add,
    Multiply,
    Max,
    Min,
}

impl Array {
    /// The array with the part at `index` replaced by `value`, which broadcasts to that part's shape.
    ///
    /// The index is that of [`Array::at`]. Where positions occur more than once any one of their values stays.
    /// Where nothing else refers to the array's memory, MLX writes in place.
    ///
    /// A boolean array is a mask over as many axes as it has. `value` then has one entry in place of these axes, for
    /// all elements under the mask, or as many as the mask has true entries, in their order; further entries are
    /// ignored, and with too few the evaluation fails on the CPU and leaves elements as they were on a GPU.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Rest};
    /// let x = Array::from_slice(&[0, 1, 2, 3, 4, 5], &[2, 3]);
    /// assert_eq!(x.set_at((Rest, 0), -1)?.to_vec::<i32>()?, [-1, 1, 2, -1, 4, 5]);
    /// assert_eq!(x.set_at(x.greater(3)?, 0)?.to_vec::<i32>()?, [0, 1, 2, 3, 0, 0]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "__setitem__")]
    #[track_caller]
    pub fn set_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        write("set_at", self, index, value, Combine::Set)
    }

    /// The array with `value` added to the part at `index`: Python's `x.at[index].add(value)`.
    ///
    /// Where positions occur more than once, all their values are added.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let counts = mlx::zeros(&[4], mlx::Dtype::I32);
    /// assert_eq!(counts.add_at([1, 3, 1], 1)?.to_vec::<i32>()?, [0, 2, 0, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn add_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        write("add_at", self, index, value, Combine::Add)
    }

    /// The array with `value` subtracted from the part at `index`; see [`Array::add_at`].
    #[track_caller]
    pub fn subtract_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        let dtype = self.dtype()?;
        if dtype == Dtype::Bool {
            return Err(Error::invalid("subtract_at", "bool arrays have no difference; use `set_at`"));
        }
        // In the array's own dtype, where the difference of unsigned numbers wraps to the right result.
        let value = value.into_array(dtype)?.astype(dtype)?.negative()?;
        write("subtract_at", self, index, value, Combine::Add)
    }

    /// The array with the part at `index` multiplied by `value`, for each time that a position occurs.
    #[track_caller]
    pub fn multiply_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        write("multiply_at", self, index, value, Combine::Multiply)
    }

    /// The array with the part at `index` divided by `value`, for each time that a position occurs; not for integers.
    #[track_caller]
    pub fn divide_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        let dtype = self.dtype()?;
        if !dtype.is_float() && dtype != Dtype::C64 {
            let text = format!("{dtype} cannot hold quotients; convert with `astype` first");
            return Err(Error::invalid("divide_at", text));
        }
        let value = value.into_array(dtype)?.astype(dtype)?.reciprocal()?;
        write("divide_at", self, index, value, Combine::Multiply)
    }

    /// The array with the larger of itself and `value` in the part at `index`.
    #[doc(alias = "maximum")]
    #[track_caller]
    pub fn max_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        write("max_at", self, index, value, Combine::Max)
    }

    /// The array with the smaller of itself and `value` in the part at `index`.
    #[doc(alias = "minimum")]
    #[track_caller]
    pub fn min_at(&self, index: impl Index, value: impl Operand) -> Result<Array> {
        write("min_at", self, index, value, Combine::Min)
    }
}

#[track_caller]
fn write(
    op: &'static str,
    x: &Array,
    index: impl Index,
    value: impl Operand,
    combine: Combine,
) -> Result<Array> {
    let items = index.items();
    let dtype = x.dtype()?;
    let value = value.into_array(dtype)?.astype(dtype)?;
    match mask::find(op, x, &items)? {
        Some(mask) => mask.write(op, x, &value, combine),
        None => Plan::new(op, x.shape()?, &items)?.write(op, x, &value, combine),
    }
}

impl Plan {
    #[track_caller]
    fn write(&self, op: &'static str, x: &Array, value: &Array, combine: Combine) -> Result<Array> {
        let (shape, new) = self.shape();
        let value = fit(op, value, &shape)?;
        if shape.contains(&0) {
            return Ok(x.clone());
        }
        let value = if new.is_empty() { value } else { value.squeeze(new)? };
        let Some(before) = self.kept_before_group() else {
            return self.write_slice(x, &value, combine);
        };
        let updates = move_block(&value, before, self.group.len(), 0)?;
        let view = self.scatter_to(&self.view_of(x)?, &updates, combine)?;
        if self.whole { Ok(view) } else { self.write_slice(x, &view, Combine::Set) }
    }

    /// `value` has the shape of the view.
    #[track_caller]
    fn write_slice(&self, x: &Array, value: &Array, combine: Combine) -> Result<Array> {
        let [start, stop, steps] = self.bounds();
        let value =
            if self.picked.is_empty() { value.clone() } else { value.expand_dims(&self.picked[..])? };
        let update = match combine {
            Combine::Set => ops::slice_update,
            Combine::Add => ops::slice_update_add,
            Combine::Multiply => ops::slice_update_prod,
            Combine::Max => ops::slice_update_max,
            Combine::Min => ops::slice_update_min,
        };
        update(x, &value, &start, &stop, &steps)
    }

    /// `updates` has the axes of the group, then the kept ones.
    #[track_caller]
    fn scatter_to(&self, view: &Array, updates: &Array, combine: Combine) -> Result<Array> {
        let (axes, positions) = self.gather_arguments()?;
        let updates = updates.expand_dims(self.indexed_axes(&axes))?;
        let scatter = match combine {
            Combine::Set => ops::scatter,
            Combine::Add => ops::scatter_add,
            Combine::Multiply => ops::scatter_prod,
            Combine::Max => ops::scatter_max,
            Combine::Min => ops::scatter_min,
        };
        scatter(view, &positions, &updates, &axes)
    }
}

/// `value` broadcast to `shape`; leading axes of length one that `shape` lacks fall away.
#[track_caller]
pub(super) fn fit(op: &'static str, value: &Array, shape: &[i32]) -> Result<Array> {
    let given = value.shape()?;
    let surplus = given.len().saturating_sub(shape.len());
    let tail = &given[surplus..];
    let fits = given[..surplus].iter().all(|&extent| extent == 1)
        && tail.iter().rev().zip(shape.iter().rev()).all(|(&from, &to)| from == 1 || from == to);
    if !fits {
        let text = format!("a value of shape {given:?} does not broadcast to the part of shape {shape:?}");
        return Err(Error::invalid(op, text));
    }
    let value =
        if surplus == 0 { value.clone() } else { value.squeeze((0..surplus as i32).collect::<Vec<_>>())? };
    value.broadcast_to(shape)
}
