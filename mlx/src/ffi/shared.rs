//! One buffer, a descriptor per thread.

use super::call::call_for_array;
use crate::{Array, Result};
use std::fmt;

/// A descriptor that no operation ever sees, over the memory of an evaluated array.
pub(crate) struct SharedHandle(Array);

// SAFETY: the descriptor inside is evaluated, has no inputs, and is only ever read: to make further descriptors and,
// at the end, to drop it. What descriptors share is the buffer, whose count is atomic and which nobody writes.
unsafe impl Send for SharedHandle {}
// SAFETY: as for `Send`; `local` reads the descriptor and may run on several threads at once.
unsafe impl Sync for SharedHandle {}

impl SharedHandle {
    /// `array` must be evaluated; the C API checks.
    #[track_caller]
    pub(crate) fn new(array: &Array) -> Result<SharedHandle> {
        rewrap(array).map(SharedHandle)
    }

    #[track_caller]
    pub(crate) fn local(&self) -> Result<Array> {
        rewrap(&self.0)
    }
}

#[track_caller]
fn rewrap(array: &Array) -> Result<Array> {
    let handle = array.handle()?;
    // SAFETY: a live handle; the call writes `out` when it succeeds.
    call_for_array("share", |out| unsafe { mlx_sys::mlx_array_share(out, handle.raw()) })
}

impl fmt::Debug for SharedHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
