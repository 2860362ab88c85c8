//! Reading the part of an array that an index names.

use super::{item::Index, mask, plan::Plan};
use crate::{
    Array, Result,
    ffi::{ArrayList, ops},
    zeros,
};

impl Array {
    /// The part of the array at `index`, as rich as NumPy's `x[index]`.
    ///
    /// An index is one item or a tuple; axes not mentioned stay whole.
    ///
    /// | item | NumPy | |
    /// |---|---|---|
    /// | `2`, `-1` | `2`, `-1` | one position; the axis disappears |
    /// | `1..5`, `..3`, `2..`, `..=4`, `..` | `1:5`, … | a range; negative ends count from the end, ends out of range are cut |
    /// | [`step(1..9, 2)`](crate::step), `step(.., -1)` | `1:9:2`, `::-1` | a range with a step; a negative one goes through it from its end |
    /// | [`New`](crate::New) | `None` | a new axis of length one |
    /// | [`Rest`](crate::Rest) | `...` | all axes not mentioned |
    /// | `[0, 2, 2]`, a `Vec<i32>` | `[0, 2, 2]` | positions in any order |
    /// | `&positions` | an integer array | the same, of any shape, computed on the device |
    ///
    /// Several lists and arrays of positions broadcast together and are read in step: `x.at(([0, 1], [2, 3]))` has
    /// two elements. As in NumPy their axes take the place of the indexed ones if these stand side by side, and go to
    /// the front if a range, `New` or `Rest` stands between them; beside arrays a single position counts as one.
    ///
    /// Positions written in the program that are out of range are errors. Those in an [`Array`] are not known before
    /// evaluation and are *clamped* to the nearest position in range.
    ///
    /// The shape of the elements under a boolean mask would depend on data, so a mask is an error here:
    /// [`Array::where_`] keeps the shape, [`Array::set_at`] writes under a mask.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, New, Rest, step};
    /// let x = Array::from_slice(&[0, 1, 2, 3, 4, 5], &[2, 3]);
    /// assert_eq!(x.at((.., -1))?.to_vec::<i32>()?, [2, 5]); // last column
    /// assert_eq!(x.at((1, 1..))?.to_vec::<i32>()?, [4, 5]);
    /// assert_eq!(x.at((0, step(.., -1)))?.to_vec::<i32>()?, [2, 1, 0]);
    /// assert_eq!(x.at((New, Rest, 0..1))?.shape()?, [1, 2, 1]);
    /// let columns = Array::from_slice(&[2u32, 0], &[2]);
    /// assert_eq!(x.at((.., &columns))?.to_vec::<i32>()?, [2, 0, 5, 3]);
    /// assert_eq!(x.at(([0, 1], &columns))?.to_vec::<i32>()?, [2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "__getitem__")]
    #[track_caller]
    pub fn at(&self, index: impl Index) -> Result<Array> {
        let items = index.items();
        mask::refuse("at", &items)?;
        Plan::new("at", self.shape()?, &items)?.read(self)
    }
}

impl Plan {
    #[track_caller]
    fn read(&self, x: &Array) -> Result<Array> {
        let (shape, new) = self.shape();
        if !self.positions.is_empty() && shape.contains(&0) {
            // There is nothing to gather, and MLX divides by the size.
            return Ok(zeros(&shape, x.dtype()?));
        }
        let mut part = self.view_of(x)?;
        if let Some(before) = self.kept_before_group() {
            part = self.gather_from(&part)?;
            part = move_block(&part, 0, self.group.len(), before)?;
        }
        if new.is_empty() { Ok(part) } else { part.expand_dims(new) }
    }

    /// The slice of `x` without the picked axes.
    #[track_caller]
    pub(super) fn view_of(&self, x: &Array) -> Result<Array> {
        let slice = if self.whole {
            x.clone()
        } else {
            let [start, stop, steps] = self.bounds();
            ops::slice(x, &start, &stop, &steps)?
        };
        if self.picked.is_empty() { Ok(slice) } else { slice.squeeze(&self.picked[..]) }
    }

    /// Start, stop and step of every axis.
    pub(super) fn bounds(&self) -> [Vec<i32>; 3] {
        [
            self.slices.iter().map(|slice| slice.start).collect(),
            self.slices.iter().map(|slice| slice.stop).collect(),
            self.slices.iter().map(|slice| slice.step).collect(),
        ]
    }

    /// The elements at the positions: the axes of the group, then the kept ones.
    #[track_caller]
    fn gather_from(&self, view: &Array) -> Result<Array> {
        let (axes, positions) = self.gather_arguments()?;
        let mut sizes = self.view.clone();
        axes.iter().for_each(|&axis| sizes[axis as usize] = 1);
        let gathered = ops::gather(view, &positions, &axes, &sizes)?;
        gathered.squeeze(self.indexed_axes(&axes))
    }

    /// The indexed axes of the view, and the arrays of positions for them.
    #[track_caller]
    pub(super) fn gather_arguments(&self) -> Result<(Vec<i32>, ArrayList<'_>)> {
        let axes = self.positions.iter().map(|p| p.axis).collect();
        Ok((axes, ArrayList::of(self.positions.iter().map(|p| &p.array))?))
    }

    /// The axes of length one that stand for the indexed ones behind the group, in what gather gives and scatter takes.
    pub(super) fn indexed_axes(&self, axes: &[i32]) -> Vec<i32> {
        axes.iter().map(|axis| axis + self.group.len() as i32).collect()
    }
}

/// `x` with the `count` axes from `from` on moved to begin at `to`.
#[track_caller]
pub(super) fn move_block(x: &Array, from: usize, count: usize, to: usize) -> Result<Array> {
    if from == to || count == 0 {
        return Ok(x.clone());
    }
    let mut axes: Vec<i32> = (0..x.ndim()? as i32).collect();
    let block: Vec<i32> = axes.drain(from..from + count).collect();
    axes.splice(to..to, block);
    x.transpose(axes)
}
