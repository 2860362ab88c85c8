//! Evaluated arrays that may cross threads.

use crate::{Array, Result, ffi};

/// An evaluated array that any thread may hold.
///
/// MLX writes to an array's descriptor even where the API looks read-only. A `SharedArray` therefore keeps a
/// descriptor of its own over the same memory and lends each thread a fresh one: [`SharedArray::local`].
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// let weights = mlx::Array::from_slice(&[1.0f32, 2.0], &[2]).share()?;
/// let sum = std::thread::spawn(move || weights.local()?.sum(..)?.item::<f32>()).join().unwrap()?;
/// assert_eq!(sum, 3.0);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct SharedArray(ffi::SharedHandle);

impl Array {
    /// Evaluates the array and makes it available to other threads. Copies no elements.
    #[track_caller]
    pub fn share(&self) -> Result<SharedArray> {
        self.eval()?;
        Ok(SharedArray(ffi::SharedHandle::new(self)?))
    }
}

impl SharedArray {
    /// The array for use on this thread.
    #[track_caller]
    pub fn local(&self) -> Result<Array> {
        self.0.local()
    }
}
