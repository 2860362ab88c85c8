//! Programs by what they are compiled for.

use crate::{Result, ffi::kernels::Program};
use std::{cell::RefCell, collections::HashMap, hash::Hash};

/// Those of one kind.
pub(super) struct Prepared<S>(RefCell<HashMap<S, Program>>);

impl<S> Default for Prepared<S> {
    fn default() -> Prepared<S> {
        Prepared(RefCell::default())
    }
}

impl<S: Eq + Hash> Prepared<S> {
    /// Calls the program for `shape`, which is kept once it has been called; `None` where there is none.
    pub(super) fn call<R>(
        &self,
        shape: S,
        compile: impl FnOnce(&S) -> Result<Option<Program>>,
        call: impl FnOnce(&Program) -> Result<R>,
    ) -> Result<Option<R>> {
        let mut known = self.0.borrow_mut();
        if let Some(program) = known.get(&shape) {
            return call(program).map(Some);
        }
        let Some(program) = compile(&shape)? else { return Ok(None) };
        let result = call(&program)?;
        known.insert(shape, program);
        Ok(Some(result))
    }
}
