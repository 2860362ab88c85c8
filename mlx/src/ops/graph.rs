//! What an array depends on.

use crate::{
    Array, Result,
    ffi::{ArrayList, ops},
};

impl Array {
    /// The array as a constant: no gradient flows back through it.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, transforms::grad};
    /// let f = |x: &Array| x.multiply(x.stop_gradient()?);
    /// assert_eq!(grad(f)(&Array::scalar(3.0f32))?.item::<f32>()?, 3.0); // not 6
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn stop_gradient(&self) -> Result<Array> {
        ops::stop_gradient(self)
    }
}

/// The `inputs` again, computed only after the `dependencies` have been; for work whose order matters, such as sending
/// and receiving.
#[track_caller]
pub fn depends(inputs: &[impl AsRef<Array>], dependencies: &[impl AsRef<Array>]) -> Result<Vec<Array>> {
    let dependencies = ArrayList::of(dependencies)?;
    // MLX takes the first input unasked.
    if inputs.is_empty() {
        return Ok(Vec::new());
    }
    ops::depends(&ArrayList::of(inputs)?, &dependencies)
}
