//! Boolean masks: writing where they are true.

use super::{
    item::{Item, Span},
    read::move_block,
    write::{Combine, fit},
};
use crate::{Array, Dtype, Error, Result, ffi::ops};

/// A mask over neighbouring axes of an array.
pub(super) struct Mask {
    mask: Array,
    /// The first axis it covers.
    first: usize,
}

fn is_mask(item: &Item) -> bool {
    matches!(item, Item::Array(array) if array.dtype().is_ok_and(|dtype| dtype == Dtype::Bool))
}

/// Refuses masks where something is read.
#[track_caller]
pub(super) fn refuse(op: &'static str, items: &[Item]) -> Result<()> {
    if !items.iter().any(is_mask) {
        return Ok(());
    }
    Err(Error::invalid(
        op,
        "the elements under a boolean mask have a shape that depends on data, which a lazy array cannot have; \
         keep the shape with `mask.where_(x, y)`, index with positions, or write with `set_at`",
    ))
}

/// The mask among the items, checked against the array.
#[track_caller]
pub(super) fn find(op: &'static str, x: &Array, items: &[Item]) -> Result<Option<Mask>> {
    let Some(place) = items.iter().position(is_mask) else { return Ok(None) };
    let Some(Item::Array(mask)) = items.get(place) else { return Ok(None) };
    let (shape, covered) = (x.shape()?, mask.shape()?);
    let whole =
        |item: &Item| matches!(item, Item::Rest | Item::Span(Span { from: None, to: None, step: 1, .. }));
    let others = items.iter().enumerate().filter(|&(i, _)| i != place);
    let rests = items.iter().filter(|item| matches!(item, Item::Rest)).count();
    if rests > 1 || !others.map(|(_, item)| item).all(whole) {
        let text = "beside a boolean mask only whole axes may stand: `..` and one `Rest`; \
                    take the rest of the index with `at`, and write its result back with `set_at`";
        return Err(Error::invalid(op, text));
    }
    let named = items.len() - 1 - rests + covered.len();
    let rest_before = items[..place].iter().any(|item| matches!(item, Item::Rest));
    let rest = if rest_before { shape.len().saturating_sub(named) } else { 0 };
    let first = place - usize::from(rest_before) + rest;
    if named > shape.len() || shape.get(first..first + covered.len()) != Some(covered) {
        let text =
            format!("a mask of shape {covered:?} does not match axis {first} on of the shape {shape:?}");
        return Err(Error::invalid(op, text));
    }
    Ok(Some(Mask { mask: mask.clone(), first }))
}

impl Mask {
    #[track_caller]
    pub(super) fn write(
        &self,
        op: &'static str,
        x: &Array,
        value: &Array,
        combine: Combine,
    ) -> Result<Array> {
        let written = match self.for_all(op, x, value)? {
            Some(value) => value,
            None => self.scattered(op, x, value)?,
        };
        let combined = match combine {
            Combine::Set => written,
            Combine::Add => x.add(&written)?,
            Combine::Multiply => x.multiply(&written)?,
            Combine::Max => x.maximum(&written)?,
            Combine::Min => x.minimum(&written)?,
        };
        // Bool plus bool is a larger type elsewhere, but not here.
        let combined = combined.astype(x.dtype()?)?;
        ops::where_(&self.over_all_axes(x)?, &combined, x)
    }

    fn rank(&self) -> Result<usize> {
        self.mask.ndim()
    }

    /// The mask with an axis of length one for each axis behind those it covers.
    #[track_caller]
    fn over_all_axes(&self, x: &Array) -> Result<Array> {
        let behind = x.ndim()? - self.first - self.rank()?;
        let mut shape = self.mask.shape()?.to_vec();
        shape.resize(shape.len() + behind, 1);
        self.mask.reshape(shape)
    }

    /// A value that has one entry for all elements under the mask, with the rank to broadcast against `x`.
    #[track_caller]
    fn for_all(&self, op: &'static str, x: &Array, value: &Array) -> Result<Option<Array>> {
        let (shape, given) = (x.shape()?, value.shape()?);
        let behind = shape.len() - self.first - self.rank()?;
        let Some(entries) = given.len().checked_sub(behind + 1) else {
            return fit(op, value, shape).map(Some);
        };
        if given[entries] != 1 {
            return Ok(None);
        }
        let covered = self.rank()?;
        let mut spread = given[..entries].to_vec();
        spread.resize(entries + covered, 1);
        spread.extend(&given[entries + 1..]);
        fit(op, &value.reshape(spread)?, shape).map(Some)
    }

    /// A value with one entry per element under the mask, each at its place.
    #[track_caller]
    fn scattered(&self, op: &'static str, x: &Array, value: &Array) -> Result<Array> {
        let (shape, rank) = (x.shape()?, self.rank()?);
        let (before, behind) = shape.split_at(self.first);
        let behind = &behind[rank..];
        let given = value.shape()?;
        let entries = given[given.len() - behind.len() - 1];
        let value = fit(op, value, &[before, &[entries], behind].concat())?;
        if x.size()? == 0 {
            return Ok(x.clone());
        }
        if value.size()? == 0 {
            return Err(Error::invalid(op, "the value has no elements to write under the mask"));
        }
        // MLX takes masks from the first axis on.
        let turned = move_block(x, self.first, rank, 0)?;
        let value = move_block(&value, self.first, 1, 0)?;
        let mut mask = self.mask.shape()?.to_vec();
        mask.resize(turned.ndim()?, 1);
        let mask = self.mask.reshape(mask)?;
        move_block(&turned.masked_scatter(&mask, &value)?, 0, rank, self.first)
    }
}
