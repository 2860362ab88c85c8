//! `x.at((.., 0..3, -1, New))`: slicing, picking and new axes in one method; and the axes of a reduction.

use crate::{Array, Error, Result, ffi};
use std::ops::{Range, RangeFrom, RangeFull, RangeInclusive, RangeTo};

/// Inserts an axis of length one.
#[derive(Clone, Copy, Debug)]
pub struct New;

/// Stands for all axes that are not mentioned.
#[derive(Clone, Copy, Debug)]
pub struct Rest;

/// One part of an index.
#[derive(Clone, Copy, Debug)]
pub enum Item {
    /// One position; the axis disappears. Negative counts from the end.
    Pick(i32),
    /// A half-open span; open ends reach the axis's. Negative counts from the end; out of range is cut.
    Span(Option<i32>, Option<i32>),
    /// A new axis of length one.
    New,
    /// All axes not mentioned.
    Rest,
}

macro_rules! items {
    ($($ty:ty, $x:pat => $item:expr;)*) => { $(
        impl From<$ty> for Item {
            fn from($x: $ty) -> Item { $item }
        }
    )* };
}

items! {
    i32, i => Item::Pick(i);
    RangeFull, _ => Item::Span(None, None);
    Range<i32>, r => Item::Span(Some(r.start), Some(r.end));
    RangeFrom<i32>, r => Item::Span(Some(r.start), None);
    RangeTo<i32>, r => Item::Span(None, Some(r.end));
    // `..=-1` ends with the last element, so its exclusive end is the axis's.
    RangeInclusive<i32>, r => Item::Span(Some(*r.start()), Some(r.end().saturating_add(1)).filter(|&end| end != 0));
    New, _ => Item::New;
    Rest, _ => Item::Rest;
}

/// One [`Item`] or a tuple of up to six.
pub trait Index {
    /// The parts, in order.
    fn items(self) -> Vec<Item>;
}

impl<T: Into<Item>> Index for T {
    fn items(self) -> Vec<Item> {
        vec![self.into()]
    }
}

macro_rules! tuples {
    ($($($name:ident)+;)*) => { $(
        #[allow(non_snake_case, reason = "the type parameters name the fields")]
        impl<$($name: Into<Item>),+> Index for ($($name,)+) {
            fn items(self) -> Vec<Item> {
                let ($($name,)+) = self;
                vec![$($name.into()),+]
            }
        }
    )* };
}

tuples! { A; A B; A B C; A B C D; A B C D E; A B C D E F; }

/// An index worked out for a shape: a static slice, then axes to drop, then axes to insert.
struct Plan {
    start: Vec<i32>,
    stop: Vec<i32>,
    drop: Vec<i32>,
    insert: Vec<i32>,
}

impl Plan {
    #[track_caller]
    fn new(op: &'static str, shape: &[i32], items: &[Item]) -> Result<Plan> {
        let named = items.iter().filter(|item| matches!(item, Item::Pick(_) | Item::Span(..))).count();
        let rests = items.iter().filter(|item| matches!(item, Item::Rest)).count();
        if named > shape.len() || rests > 1 {
            let what = if rests > 1 { "more than one `Rest`".into() } else { format!("{named} indices") };
            return Err(Error::invalid(op, format!("{what} for the shape {shape:?}")));
        }
        let mut plan =
            Plan { start: vec![0; shape.len()], stop: shape.to_vec(), drop: vec![], insert: vec![] };
        let (mut axis, mut out) = (0, 0);
        for item in items {
            match *item {
                Item::New => {
                    plan.insert.push(out);
                    out += 1;
                }
                Item::Rest => {
                    axis += shape.len() - named;
                    out += (shape.len() - named) as i32;
                }
                Item::Pick(position) => {
                    let extent = shape[axis];
                    if !(-extent..extent).contains(&position) {
                        let text = format!(
                            "index {position} is out of range for axis {axis} of the shape {shape:?}"
                        );
                        return Err(Error::invalid(op, text));
                    }
                    plan.start[axis] = position.rem_euclid(extent);
                    plan.stop[axis] = plan.start[axis] + 1;
                    plan.drop.push(axis as i32);
                    axis += 1;
                }
                Item::Span(from, to) => {
                    let extent = shape[axis];
                    let fit = |i: i32| (if i < 0 { i.saturating_add(extent) } else { i }).clamp(0, extent);
                    plan.start[axis] = from.map_or(0, fit);
                    plan.stop[axis] = to.map_or(extent, fit).max(plan.start[axis]);
                    axis += 1;
                    out += 1;
                }
            }
        }
        Ok(plan)
    }
}

impl Array {
    /// A view of part of the array.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, New, Rest};
    /// let x = Array::from_slice(&[0, 1, 2, 3, 4, 5], &[2, 3]);
    /// assert_eq!(x.at((.., -1))?.to_vec::<i32>()?, [2, 5]); // last column
    /// assert_eq!(x.at((1, 1..))?.to_vec::<i32>()?, [4, 5]);
    /// assert_eq!(x.at((New, Rest, 0..1))?.shape()?, [1, 2, 1]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn at(&self, index: impl Index) -> Result<Array> {
        let shape = self.shape()?;
        let plan = Plan::new("at", shape, &index.items())?;
        let mut x = self.slice(&plan.start, &plan.stop)?;
        if !plan.drop.is_empty() {
            x = x.squeeze(plan.drop)?;
        }
        if !plan.insert.is_empty() {
            x = x.expand_dims(plan.insert)?;
        }
        Ok(x)
    }

    /// The array with the part at `index` replaced by `update`, which broadcasts to that part's shape.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Rest};
    /// let x = Array::from_slice(&[0, 1, 2, 3, 4, 5], &[2, 3]);
    /// assert_eq!(x.set_at((Rest, 0), -1)?.to_vec::<i32>()?, [-1, 1, 2, -1, 4, 5]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn set_at(&self, index: impl Index, update: impl crate::Operand) -> Result<Array> {
        let shape = self.shape()?;
        let plan = Plan::new("set_at", shape, &index.items())?;
        let mut update = update.into_array(self.dtype()?)?;
        let part: Vec<i32> = plan.start.iter().zip(&plan.stop).map(|(start, stop)| stop - start).collect();
        // The update has the shape that `at` gives; bring it to that of the slice.
        let inserted =
            plan.insert.iter().rev().filter(|&&axis| update.ndim().is_ok_and(|n| (axis as usize) < n));
        let squeezable: Vec<i32> = inserted.copied().collect();
        if !squeezable.is_empty() {
            update = update.squeeze(squeezable)?;
        }
        let kept = part.len() - plan.drop.len();
        if update.ndim()? == kept && kept > 0 {
            update = update.expand_dims(plan.drop)?;
        }
        ffi::ops::slice_update(
            self,
            &update.astype(self.dtype()?)?,
            &plan.start,
            &plan.stop,
            &vec![1; shape.len()],
        )
    }
}

/// The axes of a reduction: `-1`, `[0, 2]`, `..` for all, or with kept dimensions `axes(-1).keep()`.
#[derive(Clone, Debug)]
pub struct Axes {
    list: Option<Vec<i32>>,
    keep: bool,
}

/// [`Axes`] from anything that converts, for options: `x.sum(axes(-1).keep())`.
pub fn axes(axes: impl Into<Axes>) -> Axes {
    axes.into()
}

impl Axes {
    /// Keeps the reduced axes, with length one.
    pub fn keep(self) -> Axes {
        Axes { keep: true, ..self }
    }

    /// The axes; `None` for all.
    pub(crate) fn list(&self) -> Option<&[i32]> {
        self.list.as_deref()
    }

    pub(crate) fn keeps(&self) -> bool {
        self.keep
    }

    /// The one axis that is named; `None` for `..`.
    #[track_caller]
    pub(crate) fn single(&self, op: &'static str) -> Result<Option<i32>> {
        match self.list() {
            None => Ok(None),
            Some(&[axis]) => Ok(Some(axis)),
            Some(list) => Err(Error::invalid(op, format!("takes one axis, or `..` for all; not {list:?}"))),
        }
    }
}

impl From<RangeFull> for Axes {
    fn from(_: RangeFull) -> Axes {
        Axes { list: None, keep: false }
    }
}

impl From<i32> for Axes {
    fn from(axis: i32) -> Axes {
        Axes { list: Some(vec![axis]), keep: false }
    }
}

impl From<Vec<i32>> for Axes {
    fn from(list: Vec<i32>) -> Axes {
        Axes { list: Some(list), keep: false }
    }
}

impl From<&[i32]> for Axes {
    fn from(list: &[i32]) -> Axes {
        list.to_vec().into()
    }
}

impl<const N: usize> From<[i32; N]> for Axes {
    fn from(list: [i32; N]) -> Axes {
        list.to_vec().into()
    }
}

/// `axis` as an index into `shape`; negative counts from the end.
#[track_caller]
pub(crate) fn resolve_axis(op: &'static str, axis: i32, shape: &[i32]) -> Result<usize> {
    let rank = shape.len() as i32;
    if (-rank..rank).contains(&axis) {
        return Ok(axis.rem_euclid(rank) as usize);
    }
    Err(Error::invalid(op, format!("axis {axis} is out of range for the shape {shape:?}")))
}
