//! Whether a module is in training.

use crate::{Loader, Module, Path, Result, Slot, SlotMut};

/// Whether a layer is in training, for layers that compute something else then. A fresh one is.
#[derive(Clone, Debug)]
pub struct Training(bool);

impl Training {
    /// Whether the layer is in training.
    pub fn is_on(&self) -> bool {
        self.0
    }

    /// Switches training on or off.
    pub fn set(&mut self, on: bool) {
        self.0 = on;
    }
}

impl Default for Training {
    fn default() -> Training {
        Training(true)
    }
}

impl Module for Training {
    fn visit(&self, _path: &mut Path, _f: &mut dyn FnMut(&str, Slot<'_>)) {}

    fn visit_mut(&mut self, path: &mut Path, f: &mut dyn FnMut(&str, SlotMut<'_>)) {
        f(path.as_str(), SlotMut::Training(self));
    }

    fn load(&mut self, _weights: &Loader) -> Result<()> {
        Ok(())
    }
}

/// A module whose layers are all in training, or all not, until this goes.
pub(super) struct Switched<'m, M: Module> {
    module: &'m mut M,
    /// What each layer was in before, in the order of the walk.
    before: Vec<bool>,
}

impl<'m, M: Module> Switched<'m, M> {
    pub(super) fn new(module: &'m mut M, training: bool) -> Self {
        let mut before = vec![];
        each(module, |mode| {
            before.push(mode.is_on());
            mode.set(training);
        });
        Switched { module, before }
    }

    pub(super) fn module(&self) -> &M {
        self.module
    }
}

impl<M: Module> Drop for Switched<'_, M> {
    fn drop(&mut self) {
        let mut before = self.before.iter();
        each(self.module, |mode| before.next().into_iter().for_each(|on| mode.set(*on)));
    }
}

fn each(module: &mut impl Module, mut f: impl FnMut(&mut Training)) {
    module.visit_mut(&mut Path::default(), &mut |_, slot| {
        if let SlotMut::Training(mode) = slot {
            f(mode);
        }
    });
}
