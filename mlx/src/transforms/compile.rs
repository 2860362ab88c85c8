//! Functions that are traced once.

use super::recording::Pattern;
use crate::{
    Array, Error, Module, Path, Result, SlotMut, Tree,
    ffi::{stream, transforms as ffi},
    tree::{self, Flat},
};
use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
    rc::Rc,
};

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
    CompiledStep {
        f: Box::new(f),
        shapeless: false,
        traces: RefCell::default(),
        shared: RefCell::default(),
        running: Cell::default(),
    }
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
    /// One trace for all shapes for which the function records the same operations with the same parameters, as elementwise
    /// operations, products and reductions are. Shapes that lead to others, by `x.reshape([n / 2, 2])` say, get traces of
    /// their own.
    ///
    /// The function runs once for each new shape, to be compared; nothing is compiled again. Operations of which MLX cannot
    /// tell the shape of the result from those of the operands, such as slices, are errors in such a function.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, transforms::compile};
    /// let f = compile(|x: &Array| x.exp()?.add(1.0)).shapeless();
    /// assert_eq!(f.call(&Array::from_slice(&[0.0f32], &[1]))?.to_vec::<f32>()?, [2.0]);
    /// assert_eq!(f.call(&Array::from_slice(&[0.0f32, 0.0], &[2]))?.to_vec::<f32>()?, [2.0, 2.0]);
    /// # Ok(())
    /// # }
    /// ```
    pub fn shapeless(self) -> Self {
        Compiled(self.0.shapeless())
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
    /// By structure, shapes and dtypes: the trace that was used.
    traces: Traces<O>,
    /// By structure and dtypes: the trace that serves several shapes.
    shared: Traces<O>,
    running: Cell<bool>,
}

type Step<S, T, O> = dyn Fn(&mut S, &T) -> Result<O>;
type Traces<O> = RefCell<HashMap<Vec<u8>, Rc<Trace<O>>>>;

struct Trace<O> {
    function: ffi::Compiled,
    output: Pattern<O>,
}

impl<O: Tree> Trace<O> {
    #[track_caller]
    fn new(shapeless: bool) -> Result<Rc<Trace<O>>> {
        Ok(Rc::new(Trace { function: ffi::Compiled::new(shapeless)?, output: Pattern::new() }))
    }
}

/// Runs a step on arrays, and keeps the pattern of its output.
type Run<'a, O> = dyn Fn(&Pattern<O>, Vec<Array>) -> Result<Vec<Array>> + 'a;

impl<S: Module, T: Tree, O: Tree> CompiledStep<S, T, O> {
    /// As [`Compiled::shapeless`].
    pub fn shapeless(self) -> Self {
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
        let inputs: Vec<Array> = before.iter().chain(&arguments).cloned().collect();
        let place = RefCell::new(&mut *state);
        if self.running.get() {
            return Err(Error::invalid("compile", "a compiled function was called from within itself"));
        }
        let run = |output: &Pattern<O>, mut arrays: Vec<Array>| {
            let _running = Running::set(&self.running);
            let rest = arrays.split_off(before.len());
            let mut state = place.borrow_mut();
            put_arrays(*state, arrays);
            let value = (self.f)(&mut state, &tree::rebuild(x, rest)?)?;
            let (mut results, roles_after) = arrays_of(*state);
            if roles_after != roles {
                let text = "the step changed what its state consists of, which a trace cannot repeat";
                return Err(Error::invalid("compile", text));
            }
            results.extend(output.flatten(&value)?);
            Ok(results)
        };
        let exact = key(&structure, &roles, &inputs, true)?;
        let (trace, mut after): (Rc<Trace<O>>, _) = {
            // Also after a panic the state must not hold the arrays of a trace.
            let _restore = Restore { place: &place, arrays: before.clone() };
            let known = self.traces.borrow().get(&exact).cloned();
            match known {
                Some(trace) => {
                    let after = trace.function.replay(&inputs, &|arrays| run(&trace.output, arrays))?;
                    (trace, after)
                }
                None => {
                    let trace = match self.shapeless {
                        true => self.shared_trace(&structure, &roles, &inputs, &run)?,
                        false => Trace::new(false)?,
                    };
                    let after = trace.function.call(&inputs, &|arrays| run(&trace.output, arrays))?;
                    self.traces.borrow_mut().insert(exact, trace.clone());
                    (trace, after)
                }
            }
        };
        let rest = after.split_off(before.len());
        put_arrays(state, after);
        trace.output.rebuild(rest)
    }

    /// The trace of other shapes, if the step records the same for these; otherwise a new one.
    #[track_caller]
    fn shared_trace(
        &self,
        structure: &[u8],
        roles: &[u8],
        inputs: &[Array],
        run: &Run<'_, O>,
    ) -> Result<Rc<Trace<O>>> {
        let loose = key(structure, roles, inputs, false)?;
        let known = self.shared.borrow().get(&loose).cloned();
        let Some(trace) = known.filter(|trace| trace.output.is_known()) else {
            let trace = Trace::new(true)?;
            self.shared.borrow_mut().insert(loose, trace.clone());
            return Ok(trace);
        };
        let output = Pattern::new();
        let same = trace.function.fits(inputs, &|arrays| run(&output, arrays))?;
        if same && output.matches(&trace.output) { Ok(trace) } else { Trace::new(false) }
    }
}

/// Marks a function as running until it is dropped.
struct Running<'a>(&'a Cell<bool>);

impl Running<'_> {
    fn set(flag: &Cell<bool>) -> Running<'_> {
        flag.set(true);
        Running(flag)
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.set(false);
    }
}

/// What a trace is good for: with the extents of the arrays, or with their numbers of dimensions only.
#[track_caller]
fn key(structure: &[u8], roles: &[u8], arrays: &[Array], extents: bool) -> Result<Vec<u8>> {
    let mut key = Flat { arrays: vec![], structure: stream::key()?.to_vec() };
    key.describe(structure);
    key.describe(roles);
    for array in arrays {
        let shape = array.shape()?;
        let mut bytes = vec![array.dtype()? as u8];
        match extents {
            true => bytes.extend(shape.iter().flat_map(|extent| extent.to_le_bytes())),
            false => bytes.extend((shape.len() as u64).to_le_bytes()),
        }
        key.describe(&bytes);
    }
    Ok(key.structure)
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
