//! Sorting and selecting.

use crate::{Array, Error, Result, ffi::ops, index::resolve_axis};

impl Array {
    /// The elements in ascending order along `axis`.
    #[track_caller]
    pub fn sort(&self, axis: i32) -> Result<Array> {
        ops::sort(self, Some(axis))
    }

    /// The positions (`U32`) that sort `axis` in ascending order.
    #[track_caller]
    pub fn argsort(&self, axis: i32) -> Result<Array> {
        ops::argsort(self, Some(axis))
    }

    /// Positions (`U32`) such that the `kth` is in its sorted place, smaller ones before it, larger ones after.
    #[track_caller]
    pub fn argpartition(&self, kth: i32, axis: i32) -> Result<Array> {
        let shape = self.shape()?;
        let extent = shape[resolve_axis("argpartition", axis, shape)?];
        if !(-extent..extent).contains(&kth) {
            return Err(Error::invalid(
                "argpartition",
                format!("{kth} is out of range for an axis of {extent}"),
            ));
        }
        ops::argpartition(self, kth, Some(axis))
    }

    /// The `k` largest elements along `axis`, in no particular order.
    #[track_caller]
    pub fn topk(&self, k: i32, axis: i32) -> Result<Array> {
        ops::topk(self, k, Some(axis))
    }
}
