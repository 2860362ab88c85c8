//! Gradients of modules.

use crate::{
    Array, Error, Module, Parameters, Path, Result, SlotMut, Tree,
    ffi::transforms as ffi,
    module::replace,
    transforms,
    tree::{Flat, rebuild, skeleton},
};
use std::cell::RefCell;

/// The value of `loss` for `model` and its gradients by the model's trainable parameters, by path.
///
/// The first array that `loss` returns must be a scalar; it is the one differentiated. What else it returns comes back
/// beside. Layers that keep statistics update them.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn::{self, Linear}};
/// let mut model = Linear::new(2, 1);
/// let x = Array::from_slice(&[1.0f32, 2.0], &[1, 2]);
/// let (loss, grads) = nn::value_and_grad(&mut model, |model| (model.forward(&x)? - 1.0).square()?.sum(..))?;
/// assert_eq!(loss.item::<f32>()?, 1.0);
/// assert_eq!(grads["weight"].to_vec::<f32>()?, [-2.0, -4.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of `loss`; a model without trainable parameters; a value that is not a scalar.
#[doc(alias = "nn.value_and_grad")]
#[track_caller]
pub fn value_and_grad<M: Module, O: Tree>(
    model: &mut M,
    loss: impl Fn(&M) -> Result<O>,
) -> Result<(O, Parameters)> {
    let (paths, values): (Vec<String>, Vec<Array>) = model.trainable_parameters().into_iter().unzip();
    if paths.is_empty() {
        return Err(Error::invalid("value_and_grad", "the model has no trainable parameters"));
    }
    let place = RefCell::new(model);
    let pattern = RefCell::new(None);
    let run = |arrays: Vec<Array>| {
        let mut model = place.borrow_mut();
        put(&mut **model, &paths, &arrays);
        let value = loss(&model)?;
        pattern.replace(Some(skeleton(&value)?));
        Ok(Flat::of(&value).arrays)
    };
    let (outputs, grads) = {
        let _restore = Restore { place: &place, paths: &paths, values: &values };
        ffi::value_and_grad(&run, &values)?
    };
    let pattern = pattern.into_inner();
    let pattern = pattern.ok_or_else(|| Error::invalid("value_and_grad", "the loss was never computed"))?;
    Ok((rebuild(&pattern, outputs)?, paths.into_iter().zip(grads).collect()))
}

/// Puts a model's own arrays back when it goes, also after a panic: a trace's arrays must not stay.
struct Restore<'a, 'm, M: Module> {
    place: &'a RefCell<&'m mut M>,
    paths: &'a [String],
    values: &'a [Array],
}

impl<M: Module> Drop for Restore<'_, '_, M> {
    fn drop(&mut self) {
        if let Ok(mut model) = self.place.try_borrow_mut() {
            put(&mut **model, self.paths, self.values);
        }
    }
}

/// Puts `values` at `paths`, which are sorted.
pub(super) fn put<M: Module>(model: &mut M, paths: &[String], values: &[Array]) {
    model.visit_mut(&mut Path::default(), &mut |path, slot| {
        if let SlotMut::Param(param) = slot
            && let Ok(i) = paths.binary_search_by(|known| known.as_str().cmp(path))
            && let Some(value) = values.get(i)
        {
            *param.value_mut() = value.clone();
        }
    });
}

/// `f` of a module and an argument, whose intermediate results are not kept for the gradient but computed again.
///
/// Gradients reach the argument and the trainable parameters of the module as it is when the function is called.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, nn::{self, Linear}};
/// let mut model = Linear::new(2, 1);
/// let layer = nn::checkpoint(|model: &Linear, x: &Array| model.forward(x));
/// let x = Array::from_slice(&[1.0f32, 2.0], &[1, 2]);
/// let (_, grads) = nn::value_and_grad(&mut model, |model| layer(model, &x)?.sum(..))?;
/// assert_eq!(grads["weight"].to_vec::<f32>()?, [1.0, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function.
#[doc(alias = "nn.utils.checkpoint")]
pub fn checkpoint<M, T, O>(f: impl Fn(&M, &T) -> Result<O> + 'static) -> impl Fn(&M, &T) -> Result<O>
where
    M: Module + Clone + 'static,
    T: Tree + 'static,
    O: Tree + 'static,
{
    let f = std::rc::Rc::new(f);
    move |model: &M, x: &T| {
        let (f, pattern) = (f.clone(), model.clone());
        let run = transforms::checkpoint(move |(parameters, x): &(Parameters, T)| {
            let mut model = pattern.clone();
            replace(&mut model, parameters);
            f(&model, x)
        });
        run(&(model.trainable_parameters(), rebuild(x, Flat::of(x).arrays)?))
    }
}
