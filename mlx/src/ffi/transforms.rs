//! Transformations of functions over lists of arrays.

use super::{
    args::ArrayList,
    call::{Outputs, call},
    closure::{self, Forwarder, Fun, Kept},
};
use crate::{Array, Error, Result, error::at_caller};
use mlx_sys::{
    mlx_array_vector, mlx_arrays, mlx_closure_jvp, mlx_closure_vjp, mlx_closure_vmap, mlx_function,
    mlx_int_vector, mlx_ints,
};
use std::{
    cell::Cell,
    ffi::{c_int, c_void},
    mem::MaybeUninit,
};

/// MLX walks a recorded function recursively. The C API refuses chains that would not fit.
const STACK_BYTES: usize = 256 << 20;
const ENOUGH_BYTES: usize = 240 << 20;

/// Runs `f`, which may call back into Rust, where the stack is large enough for MLX's recursion.
fn on_a_large_stack(f: impl FnOnce() -> c_int) -> c_int {
    stacker::maybe_grow(ENOUGH_BYTES, STACK_BYTES, f)
}

fn ints(list: &[i32]) -> mlx_ints {
    mlx_ints { data: list.as_ptr(), size: list.len() }
}

type Lists = (Vec<Array>, Vec<Array>);

/// Calls a function that writes two lists of arrays.
#[track_caller]
fn two_lists(
    op: &'static str,
    f: impl FnOnce(*mut mlx_array_vector, *mut mlx_array_vector) -> c_int,
) -> Result<Lists> {
    let mut second = MaybeUninit::uninit();
    let code = |first| on_a_large_stack(|| f(first, second.as_mut_ptr()));
    let first = Outputs::of(op, code)?;
    // SAFETY: the call succeeded, so it wrote both lists.
    let second = Outputs::of(op, |out| unsafe {
        out.write(second.assume_init());
        0
    })?;
    Ok((first, second))
}

/// The outputs of `f`, and the products of the cotangents with its Jacobian.
#[track_caller]
pub(crate) fn vjp(f: &Fun<'_>, primals: &[Array], cotangents: &[Array]) -> Result<Lists> {
    let (primals, cotangents) = (ArrayList::of(primals)?, ArrayList::of(cotangents)?);
    // SAFETY: the lists and `f` outlive the call, during which alone `f` is called.
    two_lists("vjp", |outputs, vjps| unsafe {
        mlx_sys::mlx_vjp(outputs, vjps, closure::borrowed(&f), primals.span(), cotangents.span())
    })
}

/// The outputs of `f`, and the products of its Jacobian with the tangents.
#[track_caller]
pub(crate) fn jvp(f: &Fun<'_>, primals: &[Array], tangents: &[Array]) -> Result<Lists> {
    let (primals, tangents) = (ArrayList::of(primals)?, ArrayList::of(tangents)?);
    // SAFETY: as in `vjp`.
    two_lists("jvp", |outputs, jvps| unsafe {
        mlx_sys::mlx_jvp(outputs, jvps, closure::borrowed(&f), primals.span(), tangents.span())
    })
}

/// The outputs of `f`, and the gradients of the first by each argument.
#[track_caller]
pub(crate) fn value_and_grad(f: &Fun<'_>, arguments: &[Array]) -> Result<Lists> {
    let all: Vec<i32> = (0..arguments.len() as i32).collect();
    // MLX looks at the first output without asking whether there is one.
    let f: &Fun<'_> = &|inputs| match f(inputs)? {
        outputs if outputs.is_empty() => {
            Err(Error::invalid("value_and_grad", "the function returned no arrays"))
        }
        outputs => Ok(outputs),
    };
    let arguments = ArrayList::of(arguments)?;
    // SAFETY: as in `vjp`.
    two_lists("value_and_grad", |values, grads| unsafe {
        mlx_sys::mlx_value_and_grad(values, grads, closure::borrowed(&f), arguments.span(), ints(&all))
    })
}

/// `f` along an axis of each argument; -1 passes an argument whole. `out_axes` gets the number of outputs.
#[track_caller]
pub(crate) fn vmap(
    f: &Fun<'_>,
    arguments: &[Array],
    in_axes: &[i32],
    out_axes: &[i32],
) -> Result<Vec<Array>> {
    let arguments = ArrayList::of(arguments)?;
    Outputs::of("vmap", |out| {
        // SAFETY: as in `vjp`.
        on_a_large_stack(|| unsafe {
            let f = closure::borrowed(&f);
            mlx_sys::mlx_vmap(out, f, arguments.span(), ints(in_axes), ints(out_axes))
        })
    })
}

/// A function made by MLX, released on drop.
pub(crate) struct Function(mlx_function);

impl Function {
    #[track_caller]
    fn of(op: &'static str, f: impl FnOnce(*mut mlx_function) -> c_int) -> Result<Function> {
        let mut out = MaybeUninit::uninit();
        call(op, || f(out.as_mut_ptr()))?;
        // SAFETY: the call succeeded, so it wrote `out`.
        Ok(Function(unsafe { out.assume_init() }))
    }

    #[track_caller]
    pub(crate) fn call(&self, op: &'static str, inputs: &[Array]) -> Result<Vec<Array>> {
        let inputs = ArrayList::of(inputs)?;
        Outputs::of(op, |out| on_a_large_stack(|| self.call_with(out, &inputs)))
    }

    fn call_with(&self, out: *mut mlx_array_vector, inputs: &ArrayList<'_>) -> c_int {
        // SAFETY: a live function of this thread; the handles outlive the call. `Outputs::of` gives the out-pointer.
        unsafe { mlx_sys::mlx_function_call(out, self.0, inputs.span()) }
    }
}

impl Drop for Function {
    fn drop(&mut self) {
        // SAFETY: the function is ours and released once, on the thread that made it.
        unsafe { mlx_sys::mlx_function_free(self.0) };
    }
}

/// `f`, computed again for its gradient.
#[track_caller]
pub(crate) fn checkpoint(f: Box<Fun<'static>>) -> Result<Function> {
    // SAFETY: the C API takes the closure over.
    Function::of("checkpoint", |out| unsafe { mlx_sys::mlx_checkpoint(out, closure::kept(f)) })
}

/// From primals, cotangents and outputs to a cotangent per primal.
pub(crate) type Vjp = dyn Fn(Vec<Array>, Vec<Array>, Vec<Array>) -> Result<Vec<Array>>;
/// From primals, tangents and the positions those belong to, to a tangent per output.
pub(crate) type Jvp = dyn Fn(Vec<Array>, Vec<Array>, &[i32]) -> Result<Vec<Array>>;
/// From inputs and their axes (-1: none) to outputs and theirs.
pub(crate) type Vmap = dyn Fn(Vec<Array>, &[i32]) -> Result<(Vec<Array>, Vec<i32>)>;

/// `f` with transformations of its own.
#[track_caller]
pub(crate) fn custom_function(
    f: Box<Fun<'static>>,
    vjp: Option<Box<Vjp>>,
    jvp: Option<Box<Jvp>>,
    vmap: Option<Box<Vmap>>,
) -> Result<Function> {
    let (no_ctx, no_drop) = (std::ptr::null_mut(), None);
    let vjp = match vjp {
        Some(f) => {
            mlx_closure_vjp { ctx: Kept::into_ctx(f), call: Some(call_vjp), drop: Some(Kept::<Vjp>::drop) }
        }
        None => mlx_closure_vjp { ctx: no_ctx, call: None, drop: no_drop },
    };
    let jvp = match jvp {
        Some(f) => {
            mlx_closure_jvp { ctx: Kept::into_ctx(f), call: Some(call_jvp), drop: Some(Kept::<Jvp>::drop) }
        }
        None => mlx_closure_jvp { ctx: no_ctx, call: None, drop: no_drop },
    };
    let vmap = match vmap {
        Some(f) => {
            mlx_closure_vmap { ctx: Kept::into_ctx(f), call: Some(call_vmap), drop: Some(Kept::<Vmap>::drop) }
        }
        None => mlx_closure_vmap { ctx: no_ctx, call: None, drop: no_drop },
    };
    // SAFETY: the C API takes the closures over.
    Function::of("custom_function", |out| unsafe {
        mlx_sys::mlx_custom_function(out, closure::kept(f), vjp, jvp, vmap)
    })
}

unsafe extern "C" fn call_vjp(
    ctx: *mut c_void,
    primals: mlx_arrays,
    cotangents: mlx_arrays,
    outputs: mlx_arrays,
    out: *mut mlx_array_vector,
) -> c_int {
    closure::guard(|| {
        // SAFETY: `ctx` came from `Kept::into_ctx`; the rest is MLX's.
        unsafe {
            let kept = Kept::<Vjp>::of(ctx)?;
            let (primals, cotangents) = (closure::cloned(primals), closure::cloned(cotangents));
            closure::give(&(kept.f)(primals, cotangents, closure::cloned(outputs))?, out)
        }
    })
}

unsafe extern "C" fn call_jvp(
    ctx: *mut c_void,
    primals: mlx_arrays,
    tangents: mlx_arrays,
    argnums: mlx_ints,
    out: *mut mlx_array_vector,
) -> c_int {
    closure::guard(|| {
        // SAFETY: as in `call_vjp`.
        unsafe {
            let kept = Kept::<Jvp>::of(ctx)?;
            let (primals, tangents) = (closure::cloned(primals), closure::cloned(tangents));
            closure::give(&(kept.f)(primals, tangents, closure::ints(argnums))?, out)
        }
    })
}

unsafe extern "C" fn call_vmap(
    ctx: *mut c_void,
    inputs: mlx_arrays,
    axes: mlx_ints,
    out: *mut mlx_array_vector,
    out_axes: *mut mlx_int_vector,
) -> c_int {
    closure::guard(|| {
        // SAFETY: as in `call_vjp`.
        unsafe {
            let kept = Kept::<Vmap>::of(ctx)?;
            let (outputs, axes) = (kept.f)(closure::cloned(inputs), closure::ints(axes))?;
            closure::give_ints(&axes, out_axes)?;
            closure::give(&outputs, out)
        }
    })
}

/// A function that MLX traces at its first call. What it computes is said at each call.
pub(crate) struct Compiled {
    function: Function,
    target: Forwarder,
}

impl Compiled {
    #[track_caller]
    pub(crate) fn new(shapeless: bool) -> Result<Compiled> {
        let target = Forwarder::default();
        // SAFETY: the C API takes the closure over.
        let function =
            Function::of("compile", |out| unsafe { mlx_sys::mlx_compile(out, target.closure(), shapeless) })?;
        Ok(Compiled { function, target })
    }

    /// The outputs for `inputs`; calls `f` only to trace it.
    #[track_caller]
    pub(crate) fn call(&self, inputs: &[Array], f: &Fun<'_>) -> Result<Vec<Array>> {
        at_caller(self.target.install(f, || self.function.call("compile", inputs))?)
    }

    /// Like [`Compiled::call`] where a trace is known. To replay it takes no large stack, whose pages would cost more than
    /// the replay of a small function.
    #[track_caller]
    pub(crate) fn replay(&self, inputs: &[Array], f: &Fun<'_>) -> Result<Vec<Array>> {
        let must_trace = Cell::new(false);
        let refuse = |_| {
            must_trace.set(true);
            Err(Error::invalid("compile", "the trace is gone"))
        };
        let list = ArrayList::of(inputs)?;
        let replayed = self
            .target
            .install(&refuse, || Outputs::of("compile", |out| self.function.call_with(out, &list)))?;
        match replayed {
            Err(_) if must_trace.get() => self.call(inputs, f),
            replayed => at_caller(replayed),
        }
    }

    /// Whether a shapeless function, which has been traced before, records the same for these inputs, so that its trace may
    /// be replayed for them. Calls `f`.
    #[track_caller]
    pub(crate) fn fits(&self, inputs: &[Array], f: &Fun<'_>) -> Result<bool> {
        let inputs = ArrayList::of(inputs)?;
        let mut fits = false;
        // SAFETY: a live function of this thread; the handles outlive the call, the out-pointer is valid.
        let check = || unsafe { mlx_sys::mlx_compiled_fits(&mut fits, self.function.0, inputs.span()) };
        let code = self.target.install(f, || on_a_large_stack(check))?;
        call("compile", || code)?;
        Ok(fits)
    }
}

macro_rules! switches {
    ($($(#[$doc:meta])* $name:ident = $c:ident;)*) => { $(
        $(#[$doc])*
        #[track_caller]
        pub fn $name() -> Result<()> {
            // SAFETY: takes nothing.
            call(stringify!($name), || unsafe { mlx_sys::$c() })
        }
    )* };
}

switches! {
    /// Makes functions compiled from now on run as they are, in the whole process.
    disable_compile = mlx_disable_compile;
    /// Compiles again, also against the environment variable `MLX_DISABLE_COMPILE`.
    enable_compile = mlx_enable_compile;
    /// Forgets what this thread has traced; compiled functions are traced again when called.
    clear_compile_cache = mlx_compile_clear_cache;
}

/// How far compilation goes, in the whole process.
#[track_caller]
pub(crate) fn set_compile_mode(mode: i32) -> Result<()> {
    // SAFETY: takes a number, which the C API checks.
    call("set_compile_mode", || unsafe { mlx_sys::mlx_set_compile_mode(mode) })
}
