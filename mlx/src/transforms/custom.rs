//! Functions that bring their own derivatives.

use super::recording::{Pattern, record};
use crate::{
    Array, Error, Result, Tree,
    ffi::transforms::{self as ffi, Jvp, Vjp, Vmap},
    tree::{self, Flat},
};
use std::{panic::Location, rc::Rc};

/// `f` with the given vector-Jacobian product: from the argument, the cotangents of the result, and the result, to the
/// cotangents of the argument.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::{custom_vjp, grad}};
/// // Rounds, and lets gradients through as if it did not.
/// let round = custom_vjp(|x: &Array| x.round(0), |_x, cotangent: &Array, _y| Ok(cotangent.clone()));
/// let gradient = grad(move |x: &Array| round(x)?.square()?.sum(..))(&Array::scalar(1.2f32))?;
/// assert_eq!(gradient.item::<f32>()?, 2.0);
/// # Ok(())
/// # }
/// ```
///
/// # Errors
/// Those of the two functions; cotangents of another number than the argument's arrays.
#[doc(alias = "mx.custom_function")]
#[track_caller]
pub fn custom_vjp<T, O>(
    f: impl Fn(&T) -> Result<O> + 'static,
    vjp: impl Fn(&T, &O, &O) -> Result<T> + 'static,
) -> impl Fn(&T) -> Result<O>
where
    T: Tree + 'static,
    O: Tree + 'static,
{
    let (custom, place) = (custom_function(f).with_vjp(vjp), Location::caller());
    move |x: &T| custom.call(x).map_err(|error| error.moved(place))
}

/// `f`, ready to be given transformations of its own; see [`CustomFunction`].
pub fn custom_function<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O> + 'static) -> CustomFunction<T, O> {
    CustomFunction { f: Rc::new(f), vjp: None, jvp: None, vmap: None }
}

/// A function with transformations of its own; those not given are derived from the function.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::{custom_function, jvp}};
/// let f = custom_function(|x: &Array| x.square()).with_jvp(|x, tangent: &Array| Ok(x * tangent * 2.0));
/// let (_, tangent) = jvp(|x: &Array| f.call(x), &Array::scalar(3.0f32), &Array::scalar(1.0f32))?;
/// assert_eq!(tangent.item::<f32>()?, 6.0);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "mx.custom_function")]
pub struct CustomFunction<T, O> {
    f: Rc<TreeFun<T, O>>,
    vjp: Option<Rc<TreeVjp<T, O>>>,
    jvp: Option<Rc<TreeJvp<T, O>>>,
    vmap: Option<Rc<TreeVmap<T, O>>>,
}

type TreeFun<T, O> = dyn Fn(&T) -> Result<O>;
type TreeVjp<T, O> = dyn Fn(&T, &O, &O) -> Result<T>;
type TreeJvp<T, O> = dyn Fn(&T, &T) -> Result<O>;
type TreeVmap<T, O> = dyn Fn(&T, &[Option<i32>]) -> Result<(O, Vec<Option<i32>>)>;

impl<T: Tree + 'static, O: Tree + 'static> CustomFunction<T, O> {
    /// With a vector-Jacobian product: from the argument, the cotangents of the result, and the result, to the
    /// cotangents of the argument. Used by `grad`, `value_and_grad` and `vjp`.
    pub fn with_vjp(self, vjp: impl Fn(&T, &O, &O) -> Result<T> + 'static) -> Self {
        CustomFunction { vjp: Some(Rc::new(vjp)), ..self }
    }

    /// With a Jacobian-vector product: from the argument and its tangents to the tangents of the result. The tangents
    /// of arrays that are not differentiated are zero.
    pub fn with_jvp(self, jvp: impl Fn(&T, &T) -> Result<O> + 'static) -> Self {
        CustomFunction { jvp: Some(Rc::new(jvp)), ..self }
    }

    /// With a vectorized form: from the argument and the axis that each of its arrays is mapped along (`None`: it is
    /// not) to the result and the same for its arrays.
    pub fn with_vmap(
        self,
        vmap: impl Fn(&T, &[Option<i32>]) -> Result<(O, Vec<Option<i32>>)> + 'static,
    ) -> Self {
        CustomFunction { vmap: Some(Rc::new(vmap)), ..self }
    }

    /// The function at `x`.
    #[track_caller]
    pub fn call(&self, x: &T) -> Result<O> {
        let input = Rc::new(tree::skeleton(x)?);
        let output = Rc::new(Pattern::new());
        let run = {
            let (f, input, output) = (self.f.clone(), input.clone(), output.clone());
            Box::new(move |arrays| record(&|x: &T| f(x), &*input, &output, arrays))
        };
        let vjp = self.vjp.clone().map(|vjp| vjp_of_lists(vjp, input.clone(), output.clone()));
        let jvp = self.jvp.clone().map(|jvp| jvp_of_lists(jvp, input.clone()));
        let vmap = self.vmap.clone().map(|vmap| vmap_of_lists(vmap, input));
        let function = ffi::custom_function(run, vjp, jvp, vmap)?;
        output.rebuild(function.call("custom_function", &Flat::of(x).arrays)?)
    }
}

fn vjp_of_lists<T: Tree + 'static, O: Tree + 'static>(
    vjp: Rc<TreeVjp<T, O>>,
    input: Rc<T>,
    output: Rc<Pattern<O>>,
) -> Box<Vjp> {
    Box::new(move |primals, cotangents, outputs| {
        let primals = tree::rebuild(&*input, primals)?;
        let (cotangents, outputs) = (output.rebuild(cotangents)?, output.rebuild(outputs)?);
        let products = Flat::of(&vjp(&primals, &cotangents, &outputs)?).arrays;
        check_count("vjp", products.len(), Flat::of(&primals).arrays.len())?;
        Ok(products)
    })
}

fn jvp_of_lists<T: Tree + 'static, O: Tree + 'static>(jvp: Rc<TreeJvp<T, O>>, input: Rc<T>) -> Box<Jvp> {
    Box::new(move |primals, tangents, argnums| {
        let mut all = primals.iter().map(|primal| primal.multiply(0)).collect::<Result<Vec<Array>>>()?;
        for (tangent, &position) in tangents.into_iter().zip(argnums) {
            if let Some(place) = all.get_mut(position as usize) {
                *place = tangent;
            }
        }
        let (primals, tangents) = (tree::rebuild(&*input, primals)?, tree::rebuild(&*input, all)?);
        Ok(Flat::of(&jvp(&primals, &tangents)?).arrays)
    })
}

fn vmap_of_lists<T: Tree + 'static, O: Tree + 'static>(vmap: Rc<TreeVmap<T, O>>, input: Rc<T>) -> Box<Vmap> {
    Box::new(move |inputs, axes| {
        let axes: Vec<_> = axes.iter().map(|&axis| (axis >= 0).then_some(axis)).collect();
        let (outputs, out_axes) = vmap(&tree::rebuild(&*input, inputs)?, &axes)?;
        let outputs = Flat::of(&outputs).arrays;
        check_count("vmap", out_axes.len(), outputs.len())?;
        Ok((outputs, out_axes.into_iter().map(|axis| axis.unwrap_or(-1)).collect()))
    })
}

#[track_caller]
fn check_count(what: &'static str, given: usize, wanted: usize) -> Result<()> {
    if given == wanted {
        return Ok(());
    }
    let text = format!("the {what} gave {given} of {wanted} values");
    Err(Error::invalid("custom_function", text))
}
