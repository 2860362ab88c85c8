//! Working memory that each thread keeps from one task to the next.

use std::{
    cell::RefCell,
    ops::{Deref, DerefMut, Range},
};

/// Vector loads that cross cache lines cost twice.
const ALIGNMENT: usize = 64;

thread_local! {
    /// What is not in use; what was returned last is taken first, so that nested uses find the sizes they left.
    static FREE: RefCell<Vec<Vec<f32>>> = const { RefCell::new(Vec::new()) };
}

/// Numbers of any value, at the beginning of a cache line.
pub(crate) struct Scratch {
    memory: Vec<f32>,
    used: Range<usize>,
}

impl Scratch {
    pub(crate) fn new(len: usize) -> Self {
        let mut memory = FREE.with_borrow_mut(Vec::pop).unwrap_or_default();
        let whole = len + ALIGNMENT / size_of::<f32>();
        if memory.len() < whole {
            memory = vec![0.0; whole];
        }
        let start = memory.as_ptr().align_offset(ALIGNMENT).min(whole - len);
        Scratch { memory, used: start..start + len }
    }

    pub(crate) fn zeros(len: usize) -> Self {
        let mut scratch = Scratch::new(len);
        scratch.fill(0.0);
        scratch
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let memory = std::mem::take(&mut self.memory);
        // A thread that is ending keeps nothing.
        let _ = FREE.try_with(|free| free.borrow_mut().push(memory));
    }
}

impl Deref for Scratch {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        &self.memory[self.used.clone()]
    }
}

impl DerefMut for Scratch {
    fn deref_mut(&mut self) -> &mut [f32] {
        &mut self.memory[self.used.clone()]
    }
}
