//! What a module learns.

use crate::{Array, Loader, Module, Path, Result, Slot, SlotMut};
use std::ops::Deref;

/// A learned array of a [`Module`]; reads as an [`Array`].
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, Param};
/// let weight = Param::new(Array::from_slice(&[1.0f32, 2.0], &[2]));
/// assert_eq!(weight.sum(..)?.item::<f32>()?, 3.0);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Param {
    value: Array,
    frozen: bool,
    /// Whether it is no more than this process's share of an array.
    sharded: bool,
}

impl Param {
    /// A parameter that learns.
    pub fn new(value: Array) -> Param {
        Param { value, frozen: false, sharded: false }
    }

    /// The array.
    pub fn value(&self) -> &Array {
        &self.value
    }

    /// The array, to be replaced.
    pub fn value_mut(&mut self) -> &mut Array {
        &mut self.value
    }

    /// Whether it is kept from learning.
    pub fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// Keeps it from learning, or lets it learn again.
    pub fn set_frozen(&mut self, frozen: bool) {
        self.frozen = frozen;
    }

    pub(crate) fn is_sharded(&self) -> bool {
        self.sharded
    }

    pub(crate) fn set_sharded(&mut self) {
        self.sharded = true;
    }
}

impl From<Array> for Param {
    fn from(value: Array) -> Param {
        Param::new(value)
    }
}

impl Deref for Param {
    type Target = Array;
    fn deref(&self) -> &Array {
        &self.value
    }
}

impl AsRef<Array> for Param {
    fn as_ref(&self) -> &Array {
        &self.value
    }
}

impl Module for Param {
    fn visit(&self, path: &mut Path, f: &mut dyn FnMut(&str, Slot<'_>)) {
        f(path.as_str(), Slot::Param(self));
    }

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        f(path.as_str(), SlotMut::Param(self));
    }

    fn load(&mut self, weights: &Loader) -> Result<()> {
        self.value = weights.take(self.value.shape()?)?;
        Ok(())
    }
}
