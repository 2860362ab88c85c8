//! An index worked out for a shape: what to slice, where to gather, and in which order the axes of the result come.

use super::{item::Item, span::Slice};
use crate::{Array, Dtype, Error, Result, ops::indexing::clamped};

/// One part of the result's shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Out {
    /// The next axis of the slice that no array of positions indexes.
    Kept,
    /// A new axis of length one.
    New,
    /// The axes of the broadcast arrays of positions.
    Group,
}

/// Positions along one axis of the view.
#[derive(Debug)]
pub(super) struct Positions {
    /// The axis, counted in the view.
    pub(super) axis: i32,
    /// Positions in range.
    pub(super) array: Array,
}

/// The steps from an array to its indexed part: a slice of every axis, the *view* without the axes that were picked,
/// a gather from the view, and new axes.
#[derive(Debug)]
pub(super) struct Plan {
    /// The slice of each axis.
    pub(super) slices: Vec<Slice>,
    /// Whether the slice is the whole array.
    pub(super) whole: bool,
    /// The axes that disappear.
    pub(super) picked: Vec<i32>,
    /// The shape of the slice without them.
    pub(super) view: Vec<i32>,
    /// Arrays of positions, by ascending axis.
    pub(super) positions: Vec<Positions>,
    /// The shape to which those broadcast.
    pub(super) group: Vec<i32>,
    /// The result, axis by axis.
    pub(super) layout: Vec<Out>,
}

impl Plan {
    #[track_caller]
    pub(super) fn new(op: &'static str, shape: &[i32], items: &[Item]) -> Result<Plan> {
        let named = count_named(op, shape, items)?;
        let mut plan = Plan {
            slices: Vec::with_capacity(shape.len()),
            whole: true,
            picked: vec![],
            view: vec![],
            positions: vec![],
            group: vec![],
            layout: vec![],
        };
        let with_arrays = items.iter().any(|item| matches!(item, Item::List(_) | Item::Array(_)));
        let mut group = Group { with_arrays, at: None, open: false, apart: false };
        for item in items {
            group.see(item, plan.layout.len());
            match item {
                Item::New => plan.layout.push(Out::New),
                Item::Rest => plan.keep_whole(shape, shape.len() - named),
                item => plan.index_axis(op, shape, item)?,
            }
        }
        plan.keep_whole(shape, shape.len() - plan.slices.len());
        if let Some(at) = group.place() {
            plan.layout.insert(at, Out::Group);
        }
        Ok(plan)
    }

    /// An item that speaks of the next axis.
    #[track_caller]
    fn index_axis(&mut self, op: &'static str, shape: &[i32], item: &Item) -> Result<()> {
        let axis = self.slices.len();
        let extent = shape[axis];
        match item {
            Item::Span(span) => self.keep(Slice::new(op, *span, extent)?, extent),
            Item::Pick(position) => {
                self.picked.push(axis as i32);
                self.whole = false;
                self.slices.push(Slice::one(in_range(op, *position, axis, shape)?));
            }
            Item::List(list) => {
                let mut list = list.clone();
                for position in &mut list {
                    *position = in_range(op, *position, axis, shape)?;
                }
                self.gather(op, Array::from_slice(&list, &[list.len() as i32]), extent)?;
            }
            Item::Array(array) => self.gather(op, clamped(op, array, shape, axis)?, extent)?,
            Item::New | Item::Rest => {}
        }
        Ok(())
    }

    /// The next `count` axes stay whole.
    fn keep_whole(&mut self, shape: &[i32], count: usize) {
        let next = self.slices.len();
        shape[next..next + count].iter().for_each(|&extent| self.keep(Slice::whole(extent), extent));
    }

    fn keep(&mut self, slice: Slice, extent: i32) {
        self.whole &= slice == Slice::whole(extent);
        self.slices.push(slice);
        self.view.push(slice.count);
        self.layout.push(Out::Kept);
    }

    #[track_caller]
    fn gather(&mut self, op: &'static str, array: Array, extent: i32) -> Result<()> {
        let shape = array.shape()?;
        let Some(group) = broadcast(&self.group, shape) else {
            let text = format!("positions of shape {shape:?} do not broadcast with {:?}", self.group);
            return Err(Error::invalid(op, text));
        };
        self.group = group;
        // One dtype for all: MLX promotes them together, which for 64 bits of either sign ends in floats.
        let array = if array.dtype()? == Dtype::I32 { array } else { array.astype(Dtype::I32)? };
        self.positions.push(Positions { axis: self.view.len() as i32, array });
        self.slices.push(Slice::whole(extent));
        self.view.push(extent);
        Ok(())
    }

    /// Where the group stands among the axes of the result that are kept or its own, if there is one.
    pub(super) fn kept_before_group(&self) -> Option<usize> {
        let at = self.layout.iter().position(|&out| out == Out::Group)?;
        Some(self.layout[..at].iter().filter(|&&out| out == Out::Kept).count())
    }

    /// The extents of the view's axes that no array indexes.
    pub(super) fn kept(&self) -> Vec<i32> {
        let indexed = |axis: usize| self.positions.iter().any(|p| p.axis as usize == axis);
        self.view.iter().enumerate().filter(|(axis, _)| !indexed(*axis)).map(|(_, &extent)| extent).collect()
    }

    /// The shape of the result, and where in it new axes stand.
    pub(super) fn shape(&self) -> (Vec<i32>, Vec<i32>) {
        let (mut shape, mut new) = (vec![], vec![]);
        let mut kept = self.kept().into_iter();
        for out in &self.layout {
            match out {
                Out::Kept => shape.extend(kept.next()),
                Out::Group => shape.extend(&self.group),
                Out::New => {
                    new.push(shape.len() as i32);
                    shape.push(1);
                }
            }
        }
        (shape, new)
    }
}

/// Where the axes of the arrays go: in place of the arrays when those stand side by side, else to the front.
struct Group {
    with_arrays: bool,
    /// How many parts of the result stand before the first array.
    at: Option<usize>,
    /// Whether the last item belonged to the group.
    open: bool,
    /// Whether something stands between two of its items.
    apart: bool,
}

impl Group {
    fn see(&mut self, item: &Item, layout_before: usize) {
        let belongs = match item {
            Item::List(_) | Item::Array(_) => true,
            // Beside arrays NumPy takes a single position for an array without dimensions.
            Item::Pick(_) => self.with_arrays,
            Item::Span(_) | Item::New | Item::Rest => false,
        };
        self.apart |= belongs && self.at.is_some() && !self.open;
        if belongs {
            self.at.get_or_insert(layout_before);
        }
        self.open = belongs;
    }

    fn place(&self) -> Option<usize> {
        self.at.map(|at| if self.apart { 0 } else { at })
    }
}

/// How many axes the items speak of.
#[track_caller]
fn count_named(op: &'static str, shape: &[i32], items: &[Item]) -> Result<usize> {
    let rests = items.iter().filter(|item| matches!(item, Item::Rest)).count();
    let named = items.iter().filter(|item| !matches!(item, Item::Rest | Item::New)).count();
    if rests > 1 {
        return Err(Error::invalid(op, format!("more than one `Rest` for the shape {shape:?}")));
    }
    if named > shape.len() {
        return Err(Error::invalid(op, format!("{named} indices for the shape {shape:?}")));
    }
    Ok(named)
}

/// A position known here, counted from the start.
#[track_caller]
fn in_range(op: &'static str, position: i32, axis: usize, shape: &[i32]) -> Result<i32> {
    let extent = shape[axis];
    if (-extent..extent).contains(&position) {
        return Ok(if position < 0 { position + extent } else { position });
    }
    let text = format!("index {position} is out of range for axis {axis} of the shape {shape:?}");
    Err(Error::invalid(op, text))
}

/// The shape that two shapes broadcast to.
pub(crate) fn broadcast(a: &[i32], b: &[i32]) -> Option<Vec<i32>> {
    let rank = a.len().max(b.len());
    let extent = |shape: &[i32], axis: usize| match (axis + shape.len()).checked_sub(rank) {
        Some(axis) => shape[axis],
        None => 1,
    };
    let pairs = (0..rank).map(|axis| (extent(a, axis), extent(b, axis)));
    pairs
        .map(|pair| match pair {
            (1, n) | (n, 1) => Some(n),
            (m, n) => (m == n).then_some(n),
        })
        .collect()
}
