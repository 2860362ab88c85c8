//! Steps on a GPU that are launched again as a whole.

use crate::{
    Array, Result,
    ffi::{Handle, call, stream},
};
use mlx_sys::{mlx_array, mlx_replay, mlx_string};
use std::{ffi::c_int, mem::MaybeUninit};

/// A step that was captured, or the one before that.
pub(crate) struct Replay(mlx_replay);

impl Replay {
    /// Nothing yet, on the current stream, which is one of a GPU. `module` is `prepare.cu`, compiled.
    #[track_caller]
    pub(crate) fn new(op: &'static str, module: &[u8]) -> Result<Replay> {
        let module = mlx_string { data: module.as_ptr().cast(), size: module.len() };
        let (stream, mut out) = (stream::current(op)?, MaybeUninit::uninit());
        // SAFETY: the module is borrowed for the call.
        call(op, || unsafe { mlx_sys::mlx_replay_new(out.as_mut_ptr(), module, stream) })?;
        // SAFETY: the call succeeded, so it wrote the replay.
        Ok(Replay(unsafe { out.assume_init() }))
    }

    /// What `output` is, if its graph could be captured; see `mlx_replay_offer`.
    #[track_caller]
    pub(crate) fn offer(
        &mut self,
        op: &'static str,
        output: &Array,
        input: &Array,
        values: &[i32],
        rows: usize,
    ) -> Result<Option<Array>> {
        let (output, input) = (output.handle()?.raw(), input.handle()?.raw());
        // SAFETY: live handles, and values that are borrowed for the call.
        optional(op, |out| unsafe {
            mlx_sys::mlx_replay_offer(out, self.0, output, input, values.as_ptr(), values.len(), rows)
        })
    }

    /// The output of the captured step for another input, if there is one that fits.
    ///
    /// # Safety
    /// The values name rows within memory, and rows that nobody reads through any other array.
    #[track_caller]
    pub(crate) unsafe fn launch(
        &mut self,
        op: &'static str,
        input: &Array,
        values: &[i32],
    ) -> Result<Option<Array>> {
        let input = input.handle()?.raw();
        // SAFETY: a live handle, and values that are borrowed for the call; of what they say, see above.
        optional(op, |out| unsafe {
            mlx_sys::mlx_replay_launch(out, self.0, input, values.as_ptr(), values.len())
        })
    }

    /// Whether what was captured writes to just the memory of arrays with these ids, program by program.
    #[track_caller]
    pub(crate) fn writes(&self, op: &'static str, ids: &[usize]) -> Result<bool> {
        let mut writes = false;
        // SAFETY: a live replay, ids that are borrowed for the call, and a valid out-pointer.
        call(op, || unsafe { mlx_sys::mlx_replay_writes(&mut writes, self.0, ids.as_ptr(), ids.len()) })?;
        Ok(writes)
    }

    /// Forgets what was captured.
    #[track_caller]
    pub(crate) fn reset(&mut self, op: &'static str) -> Result<()> {
        // SAFETY: a live replay.
        call(op, || unsafe { mlx_sys::mlx_replay_reset(self.0) })
    }
}

impl Drop for Replay {
    fn drop(&mut self) {
        // SAFETY: it is ours and released once.
        unsafe { mlx_sys::mlx_replay_free(self.0) };
    }
}

#[track_caller]
fn optional(op: &'static str, f: impl FnOnce(*mut mlx_array) -> c_int) -> Result<Option<Array>> {
    let mut out = MaybeUninit::uninit();
    call(op, || f(out.as_mut_ptr()))?;
    // SAFETY: the call succeeded, so it wrote an array that is ours, or null.
    Ok(unsafe { Handle::from_out(out) }.map(Array::from_handle))
}
