//! What an array depends on.

use crate::{
    Array, Result,
    ffi::{ArrayList, ops},
};

impl Array {
    /// The array as a constant: no gradient flows back through it.
    #[track_caller]
    pub fn stop_gradient(&self) -> Result<Array> {
        ops::stop_gradient(self)
    }
}

/// The `inputs` again, computed only after the `dependencies` have been; for work whose order matters, such as sending
/// and receiving.
#[track_caller]
pub fn depends(inputs: &[&Array], dependencies: &[&Array]) -> Result<Vec<Array>> {
    let dependencies = ArrayList::of(dependencies.iter().copied())?;
    // MLX takes the first input unasked.
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    ops::depends(&ArrayList::of(inputs.iter().copied())?, &dependencies)
}
