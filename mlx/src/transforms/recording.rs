//! A function of trees as one of lists, which remembers what its trees look like.

use crate::{
    Array, Error, ErrorKind, Result, Tree,
    tree::{self, Flat},
};
use std::cell::RefCell;

/// The pattern of what a function returned; known once it has run.
pub(super) struct Pattern<O>(RefCell<Option<O>>);

impl<O: Tree> Pattern<O> {
    pub(super) fn new() -> Pattern<O> {
        Pattern(RefCell::new(None))
    }

    /// The arrays of `output`, whose pattern is kept.
    pub(super) fn flatten(&self, output: &O) -> Result<Vec<Array>> {
        let pattern = tree::skeleton(output)?;
        self.0.replace(Some(pattern));
        Ok(Flat::of(output).arrays)
    }

    /// Whether the function has run.
    pub(super) fn is_known(&self) -> bool {
        self.0.borrow().is_some()
    }

    /// Whether both were patterns of values that differ in their arrays only.
    pub(super) fn matches(&self, other: &Pattern<O>) -> bool {
        let structure =
            |pattern: &Pattern<O>| pattern.0.borrow().as_ref().map(|tree| Flat::of(tree).structure);
        structure(self) == structure(other)
    }

    /// The output made of `arrays`.
    pub(super) fn rebuild(&self, arrays: Vec<Array>) -> Result<O> {
        match &*self.0.borrow() {
            Some(pattern) => tree::rebuild(pattern, arrays),
            None => Err(Error::new(ErrorKind::Backend, "transform", "MLX never called the function")),
        }
    }
}

/// Runs `f` on `input` with other arrays and gives the arrays of its result.
pub(super) fn record<T: Tree, O: Tree>(
    f: &impl Fn(&T) -> Result<O>,
    input: &T,
    pattern: &Pattern<O>,
    arrays: Vec<Array>,
) -> Result<Vec<Array>> {
    pattern.flatten(&f(&tree::rebuild(input, arrays)?)?)
}
