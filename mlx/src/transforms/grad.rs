//! Derivatives.

use super::recording::{Pattern, record};
use crate::{
    Array, Error, Result, Tree,
    error::at_caller,
    ffi,
    tree::{self, Flat},
};
use std::panic::Location;

/// The gradient of a scalar function: a tree like its argument.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::grad};
/// let area = |(width, height): &(Array, Array)| width.multiply(height);
/// let (by_width, by_height) = grad(area)(&(Array::scalar(3.0f32), Array::scalar(4.0f32)))?;
/// assert_eq!((by_width.item::<f32>()?, by_height.item::<f32>()?), (4.0, 3.0));
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function; a value that is not a scalar; an argument without arrays.
#[doc(alias = "mx.grad")]
#[track_caller]
pub fn grad<T: Tree>(f: impl Fn(&T) -> Result<Array>) -> impl Fn(&T) -> Result<T> {
    let with_value = value_and_grad(f);
    move |x: &T| Ok(with_value(x)?.1)
}

/// The value of a function and the gradient of its first array, which must be a scalar.
///
/// What else the function returns comes back beside, computed in the same pass:
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::value_and_grad};
/// let f = |x: &Array| {
///     let y = x.square()?;
///     Ok((y.sum(..)?, y))
/// };
/// let x = Array::from_slice(&[1.0f32, 2.0], &[2]);
/// let ((sum, squares), gradient) = value_and_grad(f)(&x)?;
/// assert_eq!(sum.item::<f32>()?, 5.0);
/// assert_eq!(squares.to_vec::<f32>()?, [1.0, 4.0]);
/// assert_eq!(gradient.to_vec::<f32>()?, [2.0, 4.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// As [`grad`].
#[doc(alias = "mx.value_and_grad")]
#[track_caller]
pub fn value_and_grad<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O>) -> impl Fn(&T) -> Result<(O, T)> {
    let place = Location::caller();
    move |x: &T| differentiate(&f, x).map_err(|error| error.moved(place))
}

fn differentiate<T: Tree, O: Tree>(f: &impl Fn(&T) -> Result<O>, x: &T) -> Result<(O, T)> {
    let arguments = Flat::of(x).arrays;
    if arguments.is_empty() {
        return Err(Error::invalid("value_and_grad", "the argument holds no arrays"));
    }
    let output = Pattern::new();
    let run = |arrays: Vec<Array>| record(f, x, &output, arrays);
    let (values, grads) = ffi::transforms::value_and_grad(&run, &arguments)?;
    Ok((output.rebuild(values)?, tree::rebuild(x, grads)?))
}

/// The value of `f` at `primals`, and the product of `cotangents`, a tree like the value, with its Jacobian: a tree
/// like the primals.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::vjp};
/// let x = Array::from_slice(&[1.0f32, 2.0], &[2]);
/// let (value, product) = vjp(|x: &Array| x.square(), &x, &Array::from_slice(&[1.0f32, 10.0], &[2]))?;
/// assert_eq!(value.to_vec::<f32>()?, [1.0, 4.0]);
/// assert_eq!(product.to_vec::<f32>()?, [2.0, 40.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function; cotangents of another shape than the value.
#[doc(alias = "mx.vjp")]
#[track_caller]
pub fn vjp<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O>, primals: &T, cotangents: &O) -> Result<(O, T)> {
    let output = Pattern::new();
    let cotangents = Flat::of(cotangents).arrays;
    let run = |arrays: Vec<Array>| {
        let outputs = record(&f, primals, &output, arrays)?;
        check_shapes("vjp", "cotangents", "outputs", &cotangents, &outputs)?;
        Ok(outputs)
    };
    let (values, products) = at_caller(ffi::transforms::vjp(&run, &Flat::of(primals).arrays, &cotangents))?;
    Ok((output.rebuild(values)?, tree::rebuild(primals, products)?))
}

/// The value of `f` at `primals`, and the product of its Jacobian with `tangents`, a tree like the primals: a tree like
/// the value.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::jvp};
/// let x = Array::from_slice(&[1.0f32, 2.0], &[2]);
/// let (_, product) = jvp(|x: &Array| x.square(), &x, &Array::from_slice(&[1.0f32, 0.5], &[2]))?;
/// assert_eq!(product.to_vec::<f32>()?, [2.0, 2.0]);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the function; tangents of another shape than the primals.
#[doc(alias = "mx.jvp")]
#[track_caller]
pub fn jvp<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O>, primals: &T, tangents: &T) -> Result<(O, O)> {
    let output = Pattern::new();
    let (arguments, tangents) = (Flat::of(primals).arrays, Flat::of(tangents).arrays);
    check_shapes("jvp", "tangents", "primals", &tangents, &arguments)?;
    let run = |arrays: Vec<Array>| record(&f, primals, &output, arrays);
    let (values, products) = ffi::transforms::jvp(&run, &arguments, &tangents)?;
    Ok((output.rebuild(values)?, output.rebuild(products)?))
}

#[track_caller]
fn check_shapes(op: &'static str, what: &str, whose: &str, given: &[Array], wanted: &[Array]) -> Result<()> {
    if given.len() != wanted.len() {
        let text = format!("there are {} {what} for {} {whose}", given.len(), wanted.len());
        return Err(Error::invalid(op, text));
    }
    for (given, wanted) in given.iter().zip(wanted) {
        let (given, wanted) = (given.shape()?, wanted.shape()?);
        if given != wanted {
            let text = format!("the {what} have the shape {given:?}, the {whose} {wanted:?}");
            return Err(Error::invalid(op, text));
        }
    }
    Ok(())
}
