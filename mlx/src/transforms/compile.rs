//! Functions that are traced once.

use super::recording::Pattern;
use crate::{
    Array, Error, Module, Path, Result, SlotMut, Tree,
    ffi::{stream, transforms as ffi},
    tree::{self, Flat},
};
use std::{cell::RefCell, collections::HashMap, rc::Rc};

/// `f` compiled: it runs once per combination of shapes and dtypes, to be traced; after that its operations are replayed,
/// elementwise ones fused into few kernels.
///
/// The function should depend on its argument alone. Arrays it captures become constants of the trace; numbers and text
/// in the argument belong to the combination. On the CPU, MLX compiles the kernels with `g++` when it is there, and
/// otherwise runs the function as it is.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::compile};
/// let gelu = compile(|x: &Array| {
///     let erf = (x / 2f32.sqrt()).erf()?;
///     x.multiply((erf + 1.0) / 2.0)
/// });
/// let y = gelu.call(&Array::from_slice(&[0.0f32, 10.0], &[2]))?;
/// assert_eq!(y.to_vec::<f32>()?, [0.0, 10.0]);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "mx.compile")]
pub fn compile<T: Tree, O: Tree>(f: impl Fn(&T) -> Result<O> + 'static) -> Compiled<T, O> {
    Compiled(compile_with_state(move |(): &mut (), x: &T| f(x)))
}

/// A step that changes a state, compiled: a model and its optimizer, a cache.
///
/// All arrays of the state go into the trace as arguments and come out as results, so that what the step does to the state
/// is part of what is compiled. Whether layers are in training and parameters frozen belongs to the combination that a
/// trace is for. When a call fails, the state is as before.
///
/// ```
/// # fn main() -> mlx::Result<()> {
/// use mlx::{Array, transforms::compile_with_state};
/// let count = compile_with_state(|total: &mut Array, x: &Array| {
///     *total = total.add(x)?;
///     total.multiply(2)
/// });
/// let mut total = Array::scalar(1.0f32);
/// assert_eq!(count.call(&mut total, &Array::scalar(2.0f32))?.item::<f32>()?, 6.0);
/// assert_eq!(total.item::<f32>()?, 3.0);
/// # Ok(())
/// # }
/// ```
#[doc(alias = "mx.compile")]
pub fn compile_with_state<S: Module, T: Tree, O: Tree>(
    f: impl Fn(&mut S, &T) -> Result<O> + 'static,
) -> CompiledStep<S, T, O> {
    CompiledStep { f: Box::new(f), shapeless: false, traces: RefCell::default() }
}

/// A compiled function; see [`compile`]. It stays on the thread that made it, and its traces go with it.
///
/// ```compile_fail,E0277
/// use mlx::{Array, transforms::compile};
/// let f = compile(|x: &Array| x.exp());
/// std::thread::spawn(move || drop(f)); // MLX keeps traces per thread
/// ```
pub struct Compiled<T, O>(CompiledStep<(), T, O>);

impl<T: Tree, O: Tree> Compiled<T, O> {
    /// One trace for all shapes with the same number of dimensions. What the function works out from a shape is that of the
    /// first call; operations that MLX cannot trace so are errors.
    ///
    /// # Safety
    /// MLX replays the trace on other shapes without the checks of the operations in it, and reads foreign memory where
    /// they would fail. For all arguments the function is called with, it must succeed when it is not compiled, and
    /// record the same operations with the same parameters.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, transforms::compile};
    /// // SAFETY: elementwise operations fit all shapes.
    /// let f = unsafe { compile(|x: &Array| x.exp()?.add(1.0)).shapeless() };
    /// assert_eq!(f.call(&Array::from_slice(&[0.0f32], &[1]))?.to_vec::<f32>()?, [2.0]);
    /// assert_eq!(f.call(&Array::from_slice(&[0.0f32, 0.0], &[2]))?.to_vec::<f32>()?, [2.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    pub unsafe fn shapeless(self) -> Self {
        Compiled(self.0.with_one_trace())
    }

    /// The function at `x`.
    ///
    /// # Errors
    /// Those of the function when it is traced; a call from within the function itself.
    #[track_caller]
    pub fn call(&self, x: &T) -> Result<O> {
        self.0.call(&mut (), x)
    }
}

/// A compiled step; see [`compile_with_state`].
pub struct CompiledStep<S, T, O> {
    f: Box<Step<S, T, O>>,
    shapeless: bool,
    traces: RefCell<HashMap<Vec<u8>, Rc<Trace<O>>>>,
}

type Step<S, T, O> = dyn Fn(&mut S, &T) -> Result<O>;

/// What is kept of one combination of structure, shapes and dtypes.
struct Trace<O> {
    function: ffi::Compiled,
    output: Pattern<O>,
}

impl<S: Module, T: Tree, O: Tree> CompiledStep<S, T, O> {
    /// As [`Compiled::shapeless`].
    ///
    /// # Safety
    /// As [`Compiled::shapeless`].
    pub unsafe fn shapeless(self) -> Self {
        self.with_one_trace()
    }

    fn with_one_trace(self) -> Self {
        CompiledStep { shapeless: true, ..self }
    }

    /// The step for `x`, which changes `state`.
    ///
    /// # Errors
    /// Those of the function when it is traced; a call from within the function itself.
    #[track_caller]
    pub fn call(&self, state: &mut S, x: &T) -> Result<O> {
        let Flat { arrays: arguments, structure } = Flat::of(x);
        let (before, roles) = arrays_of(state);
        let key = self.key(&structure, &roles, before.iter().chain(&arguments))?;
        let known = self.traces.borrow().get(&key).cloned();
        let trace = match known {
            Some(trace) => trace,
            None => {
                let function = ffi::Compiled::new(self.shapeless)?;
                let trace = Rc::new(Trace { function, output: Pattern::new() });
                self.traces.borrow_mut().insert(key, trace.clone());
                trace
            }
        };
        let inputs: Vec<Array> = before.iter().chain(&arguments).cloned().collect();
        let place = RefCell::new(&mut *state);
        let run = |mut arrays: Vec<Array>| {
            let rest = arrays.split_off(before.len());
            let mut state = place.borrow_mut();
            put_arrays(*state, arrays);
            let output = (self.f)(&mut state, &tree::rebuild(x, rest)?)?;
            let (mut results, roles_after) = arrays_of(*state);
            if roles_after != roles {
                let text = "the step changed what its state consists of, which a trace cannot repeat";
                return Err(Error::invalid("compile", text));
            }
            results.extend(trace.output.flatten(&output)?);
            Ok(results)
        };
        let outcome = {
            // Also after a panic the state must not hold the arrays of a trace.
            let _restore = Restore { place: &place, arrays: before.clone() };
            trace.function.call(&inputs, &run)
        };
        let mut after = outcome?;
        let rest = after.split_off(before.len());
        put_arrays(state, after);
        trace.output.rebuild(rest)
    }

    /// What a trace is good for.
    fn key<'a>(
        &self,
        structure: &[u8],
        roles: &[u8],
        arrays: impl Iterator<Item = &'a Array>,
    ) -> Result<Vec<u8>> {
        let mut key = Flat { arrays: vec![], structure: stream::key()?.to_vec() };
        key.describe(structure);
        key.describe(roles);
        for array in arrays {
            let shape = array.shape()?;
            let mut bytes = vec![array.dtype()? as u8];
            match self.shapeless {
                true => bytes.extend((shape.len() as u64).to_le_bytes()),
                false => bytes.extend(shape.iter().flat_map(|extent| extent.to_le_bytes())),
            }
            key.describe(&bytes);
        }
        Ok(key.structure)
    }
}

/// Puts the arrays a state had back in their places when it goes.
struct Restore<'a, 'b, S: Module> {
    place: &'a RefCell<&'b mut S>,
    arrays: Vec<Array>,
}

impl<S: Module> Drop for Restore<'_, '_, S> {
    fn drop(&mut self) {
        if let Ok(mut state) = self.place.try_borrow_mut() {
            put_arrays(*state, std::mem::take(&mut self.arrays));
        }
    }
}

/// All arrays of a state in order, and what else about it a trace depends on.
fn arrays_of<S: Module>(state: &mut S) -> (Vec<Array>, Vec<u8>) {
    let (mut arrays, mut roles) = (vec![], Flat::default());
    state.visit_mut(&mut Path::default(), &mut |path, slot| match slot {
        SlotMut::Param(param) => {
            roles.describe(path.as_bytes());
            roles.describe(&[u8::from(param.is_frozen())]);
            arrays.push(param.value().clone());
        }
        SlotMut::Buffer(array) => {
            roles.describe(path.as_bytes());
            arrays.push(array.clone());
        }
        SlotMut::Training(mode) => roles.describe(&[u8::from(mode.is_on())]),
        SlotMut::Weight(_) => {}
    });
    (arrays, roles.structure)
}

fn put_arrays<S: Module>(state: &mut S, arrays: Vec<Array>) {
    let mut arrays = arrays.into_iter();
    state.visit_mut(&mut Path::default(), &mut |_, slot| {
        if let Some(place) = slot.into_array()
            && let Some(array) = arrays.next()
        {
            *place = array;
        }
    });
}

/// How far compilation goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CompileMode {
    /// Functions run as they are.
    Disabled,
    /// Functions are traced, and neither simplified nor fused.
    NoSimplify,
    /// Traces are simplified, not fused.
    NoFuse,
    /// Traces are simplified and fused.
    Enabled,
}

/// Chooses how far functions are compiled, in the whole process.
///
/// # Errors
/// None but those of a broken installation.
#[track_caller]
pub fn set_compile_mode(mode: CompileMode) -> Result<()> {
    ffi::set_compile_mode(mode as i32)
}
