//! Operations in Rust and replaced ones in gradients, vectorized and compiled functions.

use crate::support::{Closures, on_the_cpu};
use mlx::kernels::{CpuKernel, Layout, Operation, Spec, View, ViewMut, apply, replace_cpu};
use mlx::nn::{Quantization, quantize};
use mlx::transforms::{compile, grad, jvp, vjp, vmap, vmap_axes};
use mlx::{Array, Device, Dtype, Error, ErrorKind, Rest, Result, ones, random};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

/// `a * b` and `a - b` of equal shapes, with all transformations; counts evaluations.
#[derive(Default)]
struct ProductAndDifference {
    runs: AtomicUsize,
}

impl Operation for ProductAndDifference {
    fn name(&self) -> &str {
        "product_and_difference"
    }

    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        match inputs {
            [a, b] if a == b => Ok(vec![a.clone(), a.clone()]),
            _ => Err(Error::new(ErrorKind::InvalidArgument, "test", "two arrays of one shape")),
        }
    }

    fn eval(&self, inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        let (a, b) = (inputs[0].as_slice::<f32>()?, inputs[1].as_slice::<f32>()?);
        outputs[0].as_mut_slice::<f32>()?.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a * b);
        outputs[1].as_mut_slice::<f32>()?.iter_mut().zip(a).zip(b).for_each(|((y, a), b)| *y = a - b);
        Ok(())
    }

    fn vjp(&self, inputs: &[Array], outputs: &[Array], cotangents: &[Array]) -> Result<Vec<Array>> {
        assert_eq!((inputs.len(), outputs.len(), cotangents.len()), (2, 2, 2));
        let (product, difference) = (&cotangents[0], &cotangents[1]);
        Ok(vec![product * &inputs[1] + difference, product * &inputs[0] - difference])
    }

    fn jvp(&self, inputs: &[Array], tangents: &[Option<Array>]) -> Result<Vec<Array>> {
        let zero = |i: usize| tangents[i].clone().unwrap_or_else(|| &inputs[i] * 0.0);
        let (a, b) = (zero(0), zero(1));
        Ok(vec![&a * &inputs[1] + &b * &inputs[0], a - b])
    }

    fn vmap(&self, inputs: &[Array], axes: &[Option<usize>]) -> Result<Vec<(Array, Option<usize>)>> {
        let mapped = inputs.iter().zip(axes).find_map(|(x, axis)| Some(x.shape().ok()?[(*axis)?]));
        let front = |x: &Array, axis: &Option<usize>| match axis {
            Some(axis) => x.moveaxis(*axis as i32, 0),
            None => x.broadcast_to([&[mapped.unwrap_or(1)], x.shape()?].concat()),
        };
        let (a, b) = (front(&inputs[0], &axes[0])?, front(&inputs[1], &axes[1])?);
        let operation = Arc::new(ProductAndDifference::default());
        Ok(apply::<_, 2>(&operation, &[&a, &b])?.map(|y| (y, Some(0))).into())
    }
}

/// `a * b + 3 (a - b)`.
fn mine(operation: &Arc<ProductAndDifference>) -> impl Fn(&(Array, Array)) -> Result<Array> + use<> {
    let operation = operation.clone();
    move |(a, b)| {
        let [product, difference] = apply(&operation, &[a, b])?;
        Ok(product + difference * 3.0)
    }
}

fn theirs((a, b): &(Array, Array)) -> Result<Array> {
    Ok(a * b + (a - b) * 3.0)
}

fn pair(shape: &[i32]) -> Result<(Array, Array)> {
    let draw = |seed| random::normal(shape, Dtype::F32, &random::key(seed)?);
    Ok((draw(1)?, draw(2)?))
}

#[track_caller]
fn same(a: &Array, b: &Array) {
    assert_eq!(a.shape().unwrap(), b.shape().unwrap());
    let largest = |x: &Array| x.abs()?.max(..)?.item::<f32>();
    let off = largest(&a.subtract(b).unwrap()).unwrap();
    // A GPU's functions are its own.
    let on_a_gpu = Device::default_device().unwrap() == Device::Gpu;
    let size = if on_a_gpu { largest(b).unwrap().max(1.0) } else { 1.0 };
    assert!(off < 1e-5 * size, "off by {off} of {size}");
}

#[test]
fn derivatives_are_those_the_operation_gives() -> Result<()> {
    let mine = mine(&Arc::default());
    let x = pair(&[3, 4])?;
    let weights = random::normal(&[3, 4], Dtype::F32, &random::key(3)?)?;
    let (y, (by_a, by_b)) = vjp(&mine, &x, &weights)?;
    let (y_expected, (a_expected, b_expected)) = vjp(theirs, &x, &weights)?;
    [(y, y_expected), (by_a, a_expected), (by_b, b_expected)].iter().for_each(|(a, b)| same(a, b));
    let (_, tangent) = jvp(&mine, &x, &(weights.clone(), &weights * 2.0))?;
    same(&tangent, &jvp(theirs, &x, &(weights.clone(), &weights * 2.0))?.1);

    // One input alone is differentiated by.
    let of = |f: &dyn Fn(&(Array, Array)) -> Result<Array>, b: &Array| -> Result<Array> {
        let a = x.0.clone();
        grad(move |b: &Array| f(&(a.clone(), b.clone()))?.square()?.sum(..))(b)
    };
    same(&of(&mine, &x.1)?, &of(&theirs, &x.1)?);
    let ones = ones(&[3, 4], Dtype::F32);
    let (_, tangent) = jvp(|b: &Array| mine(&(x.0.clone(), b.clone())), &x.1, &ones)?;
    same(&tangent, &(&x.0 - 3.0));
    Ok(())
}

#[test]
fn vectorization_is_that_the_operation_gives() -> Result<()> {
    let mine = mine(&Arc::default());
    let x = pair(&[3, 4])?;
    same(&vmap(&mine)(&x)?, &theirs(&x)?);
    let columns = (x.0.clone(), x.1.t()?);
    same(&vmap_axes(&mine, [Some(0), Some(1)], 0)(&columns)?, &theirs(&x)?);
    let row = x.1.at((0, Rest))?;
    same(&vmap_axes(&mine, [Some(0), None], 0)(&(x.0.clone(), row.clone()))?, &theirs(&(x.0, row))?);
    Ok(())
}

#[test]
fn compiled_functions_compute_equal_calls_once() -> Result<()> {
    let operation = Arc::new(ProductAndDifference::default());
    let traced = operation.clone();
    let f = compile(move |x: &(Array, Array)| {
        let (once, again) = (mine(&traced)(x)?, mine(&traced)(x)?);
        Ok((once.exp()?, again.sin()?))
    });
    for (shape, runs) in [(&[3, 4], 1), (&[3, 4], 2), (&[5, 2], 3)] {
        let x = pair(shape)?;
        let (exp, sin) = f.call(&x)?;
        mlx::eval([&exp, &sin])?;
        same(&exp, &theirs(&x)?.exp()?);
        same(&sin, &theirs(&x)?.sin()?);
        assert_eq!(operation.runs.load(Ordering::SeqCst), runs, "shape {shape:?}");
    }
    // Another operation of the same type is another operation.
    let (a, b) = (Arc::new(ProductAndDifference::default()), Arc::new(ProductAndDifference::default()));
    let counted = (a.clone(), b.clone());
    let f = compile(move |x: &(Array, Array)| Ok(mine(&a)(x)? + mine(&b)(x)?));
    f.call(&pair(&[2])?)?.eval()?;
    assert_eq!((counted.0.runs.load(Ordering::SeqCst), counted.1.runs.load(Ordering::SeqCst)), (1, 1));
    Ok(())
}

#[test]
fn traces_without_shapes_ask_for_outputs_again() -> Result<()> {
    let f = compile(mine(&Arc::default())).shapeless();
    for shape in [[3, 4], [7, 1]] {
        let x = pair(&shape)?;
        same(&f.call(&x)?, &theirs(&x)?);
    }
    // Shapes that the operation refuses.
    let error = f.call(&(ones(&[2, 2], Dtype::F32), ones(&[1, 2], Dtype::F32))).unwrap_err();
    assert_eq!(error.message(), "two arrays of one shape");
    let grows =
        Closures::new(|x| Ok(vec![Spec::new([x[0].shape[0].wrapping_mul(-1)], Dtype::F32)]), |_, _| Ok(()));
    let grows = grows.share();
    let f = compile(move |x: &Array| Ok(apply::<_, 1>(&grows, &[&(x * 1.0)])?[0].exp()? + 1.0));
    let f = f.shapeless();
    assert!(f.call(&ones(&[2], Dtype::F32)).is_err());
    Ok(())
}

/// What a transformation gives for an input.
type Give = fn(&Array) -> Result<Vec<Array>>;

/// An operation whose transformations give whatever they are told.
struct Wrong {
    give: Give,
    axis: usize,
}

impl Operation for Wrong {
    fn name(&self) -> &str {
        "wrong"
    }
    fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
        Ok(inputs[..1].to_vec())
    }
    fn eval(&self, _: &[View<'_>], _: &mut [ViewMut<'_>]) -> Result<()> {
        Ok(())
    }
    fn vjp(&self, inputs: &[Array], _: &[Array], _: &[Array]) -> Result<Vec<Array>> {
        (self.give)(&inputs[0])
    }
    fn jvp(&self, inputs: &[Array], _: &[Option<Array>]) -> Result<Vec<Array>> {
        (self.give)(&inputs[0])
    }
    fn vmap(&self, inputs: &[Array], _: &[Option<usize>]) -> Result<Vec<(Array, Option<usize>)>> {
        Ok((self.give)(&inputs[0])?.into_iter().map(|x| (x, Some(self.axis))).collect())
    }
}

#[test]
fn transformations_that_give_something_else_are_errors() -> Result<()> {
    let x = ones(&[2, 3], Dtype::F32);
    let give: [(Give, &str); 5] = [
        (|_| Ok(vec![]), "gave 0 arrays"),
        (|x| Ok(vec![x.clone(), x.clone()]), "gave 2 arrays"),
        (|x| Ok(vec![x.sum(..)?]), "gave float32 [] for number 0"),
        (|x| Ok(vec![x.astype(Dtype::F16)?]), "gave float16 [2, 3] for number 0"),
        (|x| x.reshape([7]).map(|x| vec![x]), "reshape"),
    ];
    for (give, text) in give {
        let operation = Arc::new(Wrong { give, axis: 0 });
        let f = |x: &Array| apply::<_, 1>(&operation, &[x]).map(|[y]| y);
        for result in [vjp(f, &x, &x), jvp(f, &x, &x)] {
            let error = result.unwrap_err().to_string();
            assert!(error.contains(text) || error.contains("(7)"), "{text}: {error}");
        }
    }
    for (operation, text) in [
        (Wrong { give: |x| Ok(vec![x.clone()]), axis: 2 }, "axis 2"),
        (Wrong { give: |_| Ok(vec![]), axis: 0 }, "0 arrays"),
        (Wrong { give: |x| Ok(vec![x.clone(), x.clone()]), axis: 0 }, "2 arrays"),
    ] {
        let operation = Arc::new(operation);
        let error = vmap(|x: &Array| apply::<_, 1>(&operation, &[x]).map(|[y]| y))(&x).unwrap_err();
        assert!(error.message().contains(text), "{text}: {error}");
    }
    Ok(())
}

#[test]
fn transformations_that_are_not_there_or_panic() -> Result<()> {
    let x = ones(&[2, 3], Dtype::F32);
    let operation = Closures::map(|_, _| Ok(())).share();
    let f = |x: &Array| apply::<_, 1>(&operation, &[x]).map(|[y]| y);
    let errors = [vjp(f, &x, &x).unwrap_err(), jvp(f, &x, &x).unwrap_err(), vmap(f)(&x).unwrap_err()];
    for (error, name) in errors.iter().zip(["vjp", "jvp", "vmap"]) {
        assert_eq!((error.kind(), error.op()), (ErrorKind::Callback, name));
        assert!(error.message().starts_with("`closures`"), "{error}");
    }
    let operation = Arc::new(Wrong { give: |_| panic!("mine"), axis: 0 });
    let f = |x: &Array| apply::<_, 1>(&operation, &[x]).map(|[y]| y);
    let panic = catch_unwind(AssertUnwindSafe(|| drop(vjp(f, &x, &x)))).unwrap_err();
    assert_eq!(panic.downcast_ref::<&str>(), Some(&"mine"));
    assert_eq!((&x + 1.0).sum(..)?.item::<f32>()?, 12.0);
    Ok(())
}

/// Gives what MLX gives, by declining, and counts how often it was asked.
#[derive(Default)]
struct Asked(AtomicUsize);

impl CpuKernel for Asked {
    fn replaces(&self) -> &str {
        "QuantizedMatmul"
    }
    fn accepts(&self, _: &[Layout<'_>], _: &[Layout<'_>]) -> bool {
        self.0.fetch_add(1, Ordering::SeqCst);
        false
    }
    fn run(&self, _: &[View<'_>], _: &mut [ViewMut<'_>]) -> Result<()> {
        Ok(())
    }
}

#[test]
fn replaced_operations_keep_their_derivatives_and_compile() -> Result<()> {
    on_the_cpu(|| {
        let kernel = Arc::new(Asked::default());
        let w = random::normal(&[8, 64], Dtype::F32, &random::key(1)?)?;
        let q = quantize(&w, Quantization::affine(64, 4))?;
        let x = random::normal(&[3, 64], Dtype::F32, &random::key(2)?)?;
        let plain = |x: &Array| q.project(x)?.square()?.sum(..);
        let replaced = |x: &Array| replace_cpu(q.project(x)?, &kernel)?.square()?.sum(..);
        same(&(grad(replaced)(&x)? / 100.0), &(grad(plain)(&x)? / 100.0));
        assert_eq!(kernel.0.swap(0, Ordering::SeqCst), 1, "the forward part of the gradient");

        let (q, inner) = (q.clone(), kernel.clone());
        let f = compile(move |x: &Array| {
            let twice = [replace_cpu(q.project(x)?, &inner)?, replace_cpu(q.project(x)?, &inner)?];
            Ok((twice[0].exp()?, twice[1].sin()?))
        });
        let f = f.shapeless();
        for rows in [3, 1] {
            let (exp, sin) = f.call(&x.slice(&[0, 0], &[rows, 64])?)?;
            mlx::eval([&exp, &sin])?;
            assert_eq!(exp.shape()?, [rows, 8]);
            assert_eq!(kernel.0.swap(0, Ordering::SeqCst), 1, "equal calls are computed once");
        }
        Ok(())
    })
}
