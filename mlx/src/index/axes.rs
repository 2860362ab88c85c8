//! The axes that an operation works on.

use crate::{Error, Result};
use std::ops::RangeFull;

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
    #[doc(alias = "keepdims")]
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
