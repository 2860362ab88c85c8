//! Gradients, vectorization, checkpoints and custom derivatives.

use mlx::{
    Array, Dtype, ErrorKind, Result, Tree, ones, random,
    transforms::{
        MapAxes, checkpoint, custom_function, custom_vjp, grad, jvp, value_and_grad, vjp, vmap, vmap_axes,
    },
    zeros,
};
use std::{
    cell::Cell,
    collections::{BTreeMap, HashMap},
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

fn scalar(x: f32) -> Array {
    Array::scalar(x)
}

fn vector(data: &[f32]) -> Array {
    Array::from_slice(data, &[data.len() as i32])
}

/// Functions of a vector, each differentiable where it is tried.
type Named = (&'static str, fn(&Array) -> Result<Array>);

const FUNCTIONS: &[Named] = &[
    ("polynomial", |x| (x * x * x - x * 2.0).sum(..)),
    ("exp of sin", |x| x.sin()?.exp()?.sum(..)),
    ("log", |x| (x.square()? + 1.0).log()?.sum(..)),
    ("softmax", |x| x.softmax(-1)?.multiply(x)?.sum(..)),
    ("logsumexp", |x| x.logsumexp(..)),
    ("matmul", |x| x.reshape([1, -1])?.matmul(&x.reshape([-1, 1])?)?.sum(..)),
    ("indexing", |x| x.at(1..)?.multiply(x.at(..-1)?)?.sum(..)),
    ("take", |x| x.take(&Array::from_slice(&[0, 0, 2], &[3]), 0)?.square()?.sum(..)),
    ("variance", |x| x.var(.., 0)),
    ("max", |x| x.max(..)),
    ("sigmoid", |x| x.sigmoid()?.sum(..)),
    ("erf", |x| x.erf()?.sum(..)),
    ("division", |x| (x / (x.square()? + 2.0)).sum(..)),
    ("cumsum", |x| x.cumsum(0)?.square()?.sum(..)),
    ("where", |x| x.greater(0.0)?.where_(x * 3.0, &x.square()?)?.sum(..)),
];

#[test]
fn gradients_equal_finite_differences() {
    let point = [0.5f32, -1.25, 2.0, 0.75];
    for (name, f) in FUNCTIONS {
        let gradient = grad(f)(&vector(&point)).unwrap().to_vec::<f32>().unwrap();
        for i in 0..point.len() {
            const STEP: f32 = 1e-2;
            let at = |delta: f32| {
                let mut moved = point;
                moved[i] += delta;
                f64::from(f(&vector(&moved)).unwrap().item::<f32>().unwrap())
            };
            // Five points, so that the error is of fourth order.
            let slope = (at(-2.0 * STEP) - 8.0 * at(-STEP) + 8.0 * at(STEP) - at(2.0 * STEP))
                / (12.0 * f64::from(STEP));
            let found = f64::from(gradient[i]);
            assert!(
                (found - slope).abs() < 2e-3 * (1.0 + slope.abs()),
                "{name}[{i}]: {found} is not {slope}"
            );
        }
    }
}

#[test]
fn both_modes_of_differentiation_agree() {
    let x = vector(&[0.5, -1.25, 2.0, 0.75]);
    let direction = vector(&[1.0, -2.0, 0.5, 3.0]);
    for (name, f) in FUNCTIONS {
        let forward = match jvp(f, &x, &direction) {
            Ok((_, tangent)) => tangent.item::<f32>().unwrap(),
            Err(error) => panic!("{name}: {error}"),
        };
        let (_, gradient) = vjp(f, &x, &scalar(1.0)).unwrap();
        let backward = gradient.inner(&direction).unwrap().item::<f32>().unwrap();
        assert!((forward - backward).abs() < 1e-4 * (1.0 + backward.abs()), "{name}: {forward} {backward}");
    }
}

#[test]
fn gradients_nest() {
    // x⁴ four times over.
    let x = scalar(2.0);
    let f = |x: &Array| x.power(4);
    assert_eq!(grad(f)(&x).unwrap().item::<f32>().unwrap(), 32.0);
    assert_eq!(grad(grad(f))(&x).unwrap().item::<f32>().unwrap(), 48.0);
    assert_eq!(grad(grad(grad(f)))(&x).unwrap().item::<f32>().unwrap(), 48.0);
    assert_eq!(grad(grad(grad(grad(f))))(&x).unwrap().item::<f32>().unwrap(), 24.0);
}

#[test]
fn hessian_from_vmap_of_grad() {
    // f = x₀² x₁ has the Hessian [[2 x₁, 2 x₀], [2 x₀, 0]].
    let f = |x: &Array| x.at(0)?.square()?.multiply(x.at(1)?);
    let x = vector(&[3.0, 5.0]);
    let rows = vmap(|direction: &Array| Ok(jvp(grad(f), &x, direction)?.1));
    let hessian = rows(&Array::from_slice(&[1.0f32, 0.0, 0.0, 1.0], &[2, 2])).unwrap();
    assert_eq!(hessian.to_vec::<f32>().unwrap(), [10.0, 6.0, 6.0, 0.0]);
}

#[test]
fn gradients_have_the_shape_of_the_argument() {
    #[derive(Tree)]
    struct Layer<T> {
        weight: T,
        extra: (Array, Option<Array>),
        power: i32,
    }
    #[derive(Tree)]
    struct Pair(Array, Vec<Array>);

    let layer = Layer { weight: scalar(2.0), extra: (scalar(3.0), None), power: 3 };
    let loss = |l: &Layer<Array>| (l.weight.power(l.power)? * &l.extra.0).sum(..);
    let gradient = grad(loss)(&layer).unwrap();
    assert_eq!(gradient.weight.item::<f32>().unwrap(), 36.0);
    assert_eq!(gradient.extra.0.item::<f32>().unwrap(), 8.0);
    assert!(gradient.extra.1.is_none());

    let pair = Pair(scalar(2.0), vec![scalar(1.0), scalar(5.0)]);
    let gradient = grad(|p: &Pair| p.0.multiply(&p.1[1]))(&pair).unwrap();
    assert_eq!(gradient.0.item::<f32>().unwrap(), 5.0);
    assert_eq!(gradient.1[0].item::<f32>().unwrap(), 0.0);
    assert_eq!(gradient.1[1].item::<f32>().unwrap(), 2.0);

    let map: HashMap<String, Array> =
        ["b", "a", "c"].iter().zip(1..).map(|(k, v)| (k.to_string(), scalar(v as f32))).collect();
    let f = |m: &HashMap<String, Array>| m["a"].multiply(&m["b"])?.multiply(m["c"].square()?);
    let gradient = grad(f)(&map).unwrap();
    let sorted: BTreeMap<_, _> =
        gradient.iter().map(|(k, v)| (k.as_str(), v.item::<f32>().unwrap())).collect();
    assert_eq!(sorted, BTreeMap::from([("a", 9.0), ("b", 18.0), ("c", 12.0)]));

    let list = [scalar(2.0), scalar(3.0)];
    let gradient = grad(|x: &[Array; 2]| x[0].multiply(&x[1]))(&list).unwrap();
    assert_eq!(gradient.each_ref().map(|g| g.item::<f32>().unwrap()), [3.0, 2.0]);
}

#[test]
fn captured_lazy_arrays_are_constants() {
    let captured = scalar(2.0).exp().unwrap() + 1.0;
    let gradient = grad(|x: &Array| x.multiply(&captured))(&scalar(5.0)).unwrap();
    assert_eq!(gradient.item::<f32>().unwrap(), captured.item::<f32>().unwrap());
}

#[test]
fn values_come_back_beside_gradients() {
    let f = |x: &Array| Ok((x.sum(..)?, vec![x * 2.0, x * 3.0], "label".to_owned()));
    let ((sum, more, label), gradient) = value_and_grad(f)(&vector(&[1.0, 2.0])).unwrap();
    assert_eq!(sum.item::<f32>().unwrap(), 3.0);
    assert_eq!(more[1].to_vec::<f32>().unwrap(), [3.0, 6.0]);
    assert_eq!(label, "label");
    assert_eq!(gradient.to_vec::<f32>().unwrap(), [1.0, 1.0]);
}

#[test]
fn errors_come_back_as_they_are() {
    let wrong = |x: &Array| x.add(vector(&[1.0, 2.0, 3.0]))?.sum(..);
    let line = line!() - 1;
    let x = vector(&[1.0, 2.0]);
    let all = [
        grad(wrong)(&x).unwrap_err(),
        vjp(wrong, &x, &scalar(1.0)).unwrap_err(),
        jvp(wrong, &x, &x).unwrap_err(),
        vmap(wrong)(&Array::from_slice(&[1.0f32, 2.0], &[1, 2])).unwrap_err(),
        checkpoint(wrong)(&x).unwrap_err(),
        custom_vjp(wrong, |x: &Array, _, _| Ok(x.clone()))(&x).unwrap_err(),
        grad(grad(wrong))(&x).unwrap_err(),
    ];
    for error in all {
        assert_eq!((error.op(), error.kind()), ("add", ErrorKind::InvalidArgument));
        assert_eq!((error.location().file(), error.location().line()), (file!(), line));
    }
}

#[test]
fn errors_of_the_transformation_name_its_line() {
    let f = grad(|x: &Array| x.square());
    let line = line!() - 1;
    let error = f(&vector(&[1.0, 2.0])).unwrap_err();
    assert_eq!(
        (error.op(), error.location().file(), error.location().line()),
        ("value_and_grad", file!(), line)
    );
}

#[test]
fn panics_come_back_as_they_are() {
    let boom = |_: &Array| -> Result<Array> { std::panic::panic_any(42i32) };
    let x = vector(&[1.0, 2.0]);
    let attempts: [&dyn Fn(); 5] = [
        &|| drop(grad(boom)(&x)),
        &|| drop(jvp(boom, &x, &x)),
        &|| drop(vmap(boom)(&x)),
        &|| drop(checkpoint(boom)(&x)),
        &|| drop(grad(|x: &Array| grad(boom)(x)?.sum(..))(&x)),
    ];
    for attempt in attempts {
        let payload = catch_unwind(AssertUnwindSafe(attempt)).unwrap_err();
        assert_eq!(payload.downcast_ref::<i32>(), Some(&42));
    }
    assert_eq!(grad(|x: &Array| x.sum(..))(&x).unwrap().to_vec::<f32>().unwrap(), [1.0, 1.0]);
}

#[test]
fn what_cannot_be_transformed_is_an_error() {
    let x = vector(&[1.0, 2.0]);
    let pair = (x.clone(), vector(&[1.0, 2.0, 3.0]));
    let sum = |x: &Array| x.sum(..);
    let both = |(a, b): &(Array, Array)| a.sum(..)?.add(b.sum(..)?);
    let empty = zeros(&[0, 3], Dtype::F32);
    let failed = &x + vector(&[1.0, 2.0, 3.0]);
    let results: Vec<(&str, Result<()>)> = vec![
        ("a gradient of no arrays", grad(|_: &Vec<Array>| Ok(scalar(1.0)))(&vec![]).map(drop)),
        ("a gradient of a vector", grad(|x: &Array| Ok(x.clone()))(&x).map(drop)),
        ("a value without arrays", value_and_grad(|_: &Array| Ok(()))(&x).map(drop)),
        ("cotangents of another shape", vjp(sum, &x, &x).map(drop)),
        ("tangents of another shape", jvp(sum, &x, &scalar(1.0)).map(drop)),
        ("maps of different lengths", vmap(both)(&pair).map(drop)),
        ("a map along no axis", vmap_axes(sum, None, 0)(&x).map(drop)),
        ("a map of a scalar", vmap(sum)(&scalar(1.0)).map(drop)),
        ("a map of nothing", vmap(sum)(&empty).map(drop)),
        ("a map out of range", vmap_axes(sum, 1, 0)(&x).map(drop)),
        ("a map far out of range", vmap_axes(sum, i32::MIN, 0)(&x).map(drop)),
        ("results out of range", vmap_axes(sum, 0, 2)(&x).map(drop)),
        ("results along no axis", vmap_axes(sum, 0, None::<i32>)(&x).map(drop)),
        ("axes for other arguments", vmap_axes(sum, [0, 0], 0)(&x).map(drop)),
        ("axes for other results", vmap_axes(sum, 0, [0, 0])(&x).map(drop)),
        ("a failed argument", grad(sum)(&failed).map(drop)),
    ];
    for (what, result) in results {
        assert!(result.is_err(), "{what} is no error");
    }
}

#[test]
fn maps_along_any_axis() {
    let x = random::normal(&[2, 3, 4], Dtype::F32, &random::key(0).unwrap()).unwrap();
    // Each axis in, each axis out: the sum over what is left, beside the row itself.
    for axis in -3..3 {
        let line = vmap_axes(|x: &Array| x.sum(..), axis, 0)(&x).unwrap();
        let others: Vec<i32> = (0..3).filter(|other| *other != axis.rem_euclid(3)).collect();
        let expected = x.sum(others).unwrap().to_vec::<f32>().unwrap();
        for (a, b) in line.to_vec::<f32>().unwrap().iter().zip(expected) {
            assert!((a - b).abs() < 1e-5);
        }
        for out in -3..3 {
            let moved = vmap_axes(|x: &Array| Ok(x * 2.0), axis, out)(&x).unwrap();
            let expected = (x.moveaxis(axis, out).unwrap() * 2.0).to_vec::<f32>().unwrap();
            assert_eq!(moved.to_vec::<f32>().unwrap(), expected, "{axis} to {out}");
        }
    }
    // An argument handed on whole, results along different axes.
    let pick = |(x, y): &(Array, Array)| Ok((x.add(y)?, x.sum(..)?));
    let axes = MapAxes::from([Some(0), None]);
    let (sums, totals) = vmap_axes(pick, axes, [1, 0])(&(x.clone(), ones(&[3, 4], Dtype::F32))).unwrap();
    assert_eq!(sums.shape().unwrap(), [3, 2, 4]);
    assert_eq!(totals.shape().unwrap(), [2]);
}

#[test]
fn checkpoints_compute_again_for_the_gradient() {
    let runs = Rc::new(Cell::new(0));
    let layer = {
        let runs = runs.clone();
        checkpoint(move |x: &Array| {
            runs.set(runs.get() + 1);
            x.sin()?.exp()
        })
    };
    let x = vector(&[0.1, 0.2]);
    let gradient = grad(|x: &Array| layer(x)?.sum(..))(&x).unwrap();
    let plain = grad(|x: &Array| x.sin()?.exp()?.sum(..))(&x).unwrap();
    assert_eq!(gradient.to_vec::<f32>().unwrap(), plain.to_vec::<f32>().unwrap());
    assert_eq!(runs.get(), 2);
}

#[test]
fn custom_transformations_are_used() {
    let f = custom_function(|(x, y): &(Array, Array)| x.multiply(y))
        .with_vjp(|_, cotangent: &Array, _| Ok((cotangent * 10.0, cotangent * 20.0)))
        .with_jvp(|_, (dx, dy)| Ok(dx * 100.0 + dy * 200.0))
        .with_vmap(|(x, y), axes| {
            assert_eq!(axes, [Some(0), None]);
            Ok((x.add(y)?, vec![Some(0)]))
        });
    let x = (scalar(3.0), scalar(4.0));
    assert_eq!(f.call(&x).unwrap().item::<f32>().unwrap(), 12.0);
    let (dx, dy) = grad(|x: &(Array, Array)| f.call(x))(&x).unwrap();
    assert_eq!((dx.item::<f32>().unwrap(), dy.item::<f32>().unwrap()), (10.0, 20.0));
    let (_, tangent) =
        jvp(|x: &Array| f.call(&(x.clone(), scalar(4.0))), &scalar(3.0), &scalar(1.0)).unwrap();
    assert_eq!(tangent.item::<f32>().unwrap(), 100.0);
    let mapped =
        vmap_axes(|x: &(Array, Array)| f.call(x), [Some(0), None], 0)(&(vector(&[1.0, 2.0]), scalar(1.0)));
    assert_eq!(mapped.unwrap().to_vec::<f32>().unwrap(), [2.0, 3.0]);
}

#[test]
fn failures_of_custom_derivatives_come_back() {
    let x = scalar(3.0);
    let wrong =
        custom_vjp(|x: &Array| x.square(), |_, _, _| Err(mlx::Error::new(ErrorKind::Io, "mine", "no")));
    let error = grad(|x: &Array| wrong(x))(&x).unwrap_err();
    assert_eq!((error.op(), error.kind()), ("mine", ErrorKind::Io));

    let boom = custom_vjp(|x: &Array| x.square(), |_: &Array, _, _| panic!("boom"));
    assert!(catch_unwind(AssertUnwindSafe(|| grad(|x: &Array| boom(x))(&x))).is_err());

    let short = custom_vjp(|x: &Vec<Array>| x[0].multiply(&x[1]), |_, _, _| Ok(vec![]));
    assert!(grad(|x: &Vec<Array>| short(x))(&vec![scalar(1.0), scalar(2.0)]).is_err());
}

#[test]
fn what_a_custom_function_captures_is_dropped_once() {
    struct Counted(Rc<Cell<i32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let counted = Counted(drops.clone());
    let f = custom_vjp(
        move |x: &Array| {
            let _ = &counted;
            x.square()
        },
        |_, cotangent: &Array, _| Ok(cotangent.clone()),
    );
    let y = f(&scalar(2.0)).unwrap();
    let gradient = grad(|x: &Array| f(x))(&scalar(3.0)).unwrap();
    drop(f);
    y.eval().unwrap();
    gradient.eval().unwrap();
    drop((y, gradient));
    assert_eq!(drops.get(), 1);
}

/// On a small stack, MLX's recursion over the graph would overflow it.
#[test]
fn long_chains_are_differentiated_and_compiled() {
    let small = std::thread::Builder::new().stack_size(512 << 10);
    let thread = small.spawn(|| {
        let chain = |x: &Array| (0..50_000).try_fold(x.clone(), |x, _| x.add(1.0));
        assert_eq!(grad(chain)(&scalar(1.0)).unwrap().item::<f32>().unwrap(), 1.0);
        let compiled = mlx::transforms::compile(chain);
        drop(compiled.call(&scalar(1.0)).unwrap());
    });
    thread.unwrap().join().unwrap();
}
