//! Optimizers that share the parameters of a model out.

use super::{Optimizer, group::Group};
use crate::{Array, Module};

/// Whether an optimizer is for the parameter at a path, given the path and the gradient or parameter.
pub(super) type Filter = Box<dyn Fn(&str, &Array) -> bool>;

/// The path and the array of what is shared out.
pub(super) type Key<T> = fn(&T) -> (&str, &Array);

/// Optimizers that are asked in their order whether a parameter is theirs; the last takes the others. As a module it
/// has the names of Python's `MultiOptimizer`.
#[derive(Module)]
pub(super) struct Multi {
    /// One for each part but the last.
    #[module(skip)]
    filters: Vec<Filter>,
    #[module(rename = "states")]
    parts: Vec<Optimizer>,
}

impl Multi {
    /// All is for `rest`.
    pub(super) fn new(rest: Optimizer) -> Multi {
        Multi { filters: Vec::new(), parts: vec![rest] }
    }

    /// Asks `part` after those that there are, and before the last.
    pub(super) fn with(mut self, filter: Filter, part: Optimizer) -> Multi {
        self.parts.insert(self.filters.len(), part);
        self.filters.push(filter);
        self
    }

    pub(super) fn parts(&self) -> &[Optimizer] {
        &self.parts
    }

    pub(super) fn parts_mut(&mut self) -> &mut [Optimizer] {
        &mut self.parts
    }

    /// The part that takes what no filter picks.
    pub(super) fn rest(&self) -> &Optimizer {
        &self.parts[self.filters.len()]
    }

    /// Deals `items` to the groups of all parts.
    pub(super) fn dealt<T>(&self, items: Vec<T>, key: Key<T>) -> Vec<(&Group, Vec<T>)> {
        let mut hands: Vec<Vec<T>> = self.parts.iter().map(|_| Vec::new()).collect();
        for item in items {
            let (path, array) = key(&item);
            let first = self.filters.iter().position(|filter| filter(path, array));
            hands[first.unwrap_or(self.filters.len())].push(item);
        }
        self.parts.iter().zip(hands).flat_map(|(part, own)| part.dealt(own, key)).collect()
    }
}
