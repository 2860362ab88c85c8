//! Blocks of an array written at positions held in arrays. [`Array::set_at`] and its kin are easier to read; these
//! are the general form behind them.

use super::indexing::Starts;
use crate::{Array, Dtype, Error, Result, ffi::ops};

macro_rules! scatters {
    ($($(#[$doc:meta])* $name:ident;)*) => {
        impl Array { $(
            $(#[$doc])*
            ///
            /// `indices` hold where blocks begin on each of `axes`, and broadcast; negative ones count from the end,
            /// and all are clamped so that blocks fit. `updates` has the axes of the broadcast indices, then those of a block, one per axis of the
            /// array.
            #[track_caller]
            pub fn $name(&self, indices: &[&Array], updates: &Array, axes: &[i32]) -> Result<Array> {
                match Scatter::new(stringify!($name), self, indices, updates, axes)? {
                    Some(s) => ops::$name(self, &s.starts.list()?, &s.updates, &s.starts.axes),
                    None => Ok(self.clone()),
                }
            }
        )* }
    };
}

scatters! {
    /// The array with blocks replaced by `updates`; where blocks overlap any one of them stays.
    scatter;
    /// The array with `updates` added to its blocks, all of them where blocks overlap.
    scatter_add;
    /// The array with its blocks multiplied by `updates`, by all of them where blocks overlap.
    scatter_prod;
    /// The array with the larger of its blocks and `updates`.
    scatter_max;
    /// The array with the smaller of its blocks and `updates`.
    scatter_min;
}

struct Scatter {
    starts: Starts,
    updates: Array,
}

impl Scatter {
    /// `None` when there is nothing to write, where MLX divides by the size.
    #[track_caller]
    fn new(
        op: &'static str,
        x: &Array,
        indices: &[&Array],
        updates: &Array,
        axes: &[i32],
    ) -> Result<Option<Scatter>> {
        let (shape, given) = (x.shape()?, updates.shape()?);
        let blocks = given.len().checked_sub(shape.len()).map(|lead| given.split_at(lead));
        let fitting = blocks.filter(|(_, block)| block.iter().zip(shape).all(|(size, n)| size <= n));
        let Some((lead, block)) = fitting else {
            let text = format!("updates of shape {given:?} hold no blocks that fit the shape {shape:?}");
            return Err(Error::invalid(op, text));
        };
        let starts = Starts::new(op, shape, indices, axes, block)?;
        if starts.shape != lead {
            let text = format!(
                "updates of shape {given:?} do not begin with the shape of the indices, {:?}",
                starts.shape
            );
            return Err(Error::invalid(op, text));
        }
        if updates.size()? == 0 {
            return Ok(None);
        }
        Ok(Some(Scatter { starts, updates: updates.astype(x.dtype()?)? }))
    }
}

impl Array {
    /// The array with the elements under the `Bool` `mask` replaced by those of `values`, in row-major order.
    ///
    /// The mask broadcasts to the array's shape. Values beyond the mask's true entries are ignored; with too few
    /// evaluation fails on the CPU, and elements stay as they were on a GPU. See [`Array::set_at`].
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, zeros};
    /// let mask = Array::from_slice(&[true, false, true], &[3]);
    /// let values = Array::from_slice(&[7, 8], &[2]);
    /// assert_eq!(zeros(&[3], Dtype::I32).masked_scatter(&mask, &values)?.to_vec::<i32>()?, [7, 0, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn masked_scatter(&self, mask: &Array, values: &Array) -> Result<Array> {
        let op = "masked_scatter";
        if mask.dtype()? != Dtype::Bool {
            return Err(Error::invalid(op, format!("the mask must be bool, not {}", mask.dtype()?)));
        }
        let mask = mask.broadcast_to(self.shape()?)?;
        // With a mask over every axis MLX asks for a flat list.
        let values = values.reshape([i32::try_from(values.size()?).unwrap_or(-1)])?.astype(self.dtype()?)?;
        match (self.size()?, values.size()?) {
            (0, _) => Ok(self.clone()),
            (_, 0) => Err(Error::invalid(op, "there are no values to write under the mask")),
            _ => ops::masked_scatter(self, &mask, &values),
        }
    }
}
