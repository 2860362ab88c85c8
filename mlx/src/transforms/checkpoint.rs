//! Memory for time.

use super::recording::{Pattern, record};
use crate::{Result, Tree, ffi, tree, tree::Flat};
use std::{panic::Location, rc::Rc};

/// `f`, whose intermediate results are not kept for its gradient but computed again
/// ([Chen et al., 2016](https://arxiv.org/abs/1604.06174)).
///
/// Gradients reach the argument only, not what `f` captures. For layers with parameters there is
/// [`nn::checkpoint`](crate::nn::checkpoint).
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::{checkpoint, grad}};
/// let layer = checkpoint(|x: &Array| x.sin()?.exp());
/// let gradient = grad(move |x: &Array| layer(x)?.sum(..))(&Array::scalar(0.0f32))?;
/// assert_eq!(gradient.item::<f32>()?, 1.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function.
#[doc(alias = "mx.checkpoint")]
#[track_caller]
pub fn checkpoint<T, O>(f: impl Fn(&T) -> Result<O> + 'static) -> impl Fn(&T) -> Result<O>
where
    T: Tree + 'static,
    O: Tree + 'static,
{
    let (f, place) = (Rc::new(f), Location::caller());
    move |x: &T| {
        let (f, input) = (f.clone(), tree::skeleton(x)?);
        let output = Rc::new(Pattern::new());
        let outputs = output.clone();
        let run = Box::new(move |arrays| record(&*f, &input, &outputs, arrays));
        let results = ffi::transforms::checkpoint(run)
            .and_then(|function| function.call("checkpoint", &Flat::of(x).arrays))
            .map_err(|error| error.moved(place))?;
        output.rebuild(results)
    }
}
