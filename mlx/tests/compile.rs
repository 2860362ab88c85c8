//! Compiled functions give what the plain ones do, and are traced when they must be.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

use mlx::{
    Array, Device, Dtype, Engine, ErrorKind, Module, Param, Result, Stream, Training, nn, random,
    transforms::{compile, compile_with_state, grad, vmap},
    with_stream,
};
use std::{
    cell::Cell,
    panic::{AssertUnwindSafe, catch_unwind},
    rc::Rc,
};

fn vector(data: &[f32]) -> Array {
    Array::from_slice(data, &[data.len() as i32])
}

fn values(x: &Array) -> Vec<f32> {
    x.to_vec().unwrap()
}

/// A function that counts how often it runs, and the count.
fn counted<T, O>(f: impl Fn(&T) -> Result<O>) -> (impl Fn(&T) -> Result<O>, Rc<Cell<i32>>) {
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    let f = move |x: &T| {
        count.set(count.get() + 1);
        f(x)
    };
    (f, runs)
}

#[test]
fn traces_once_per_combination() {
    let (f, runs) = counted(|(x, power): &(Array, i32)| x.power(*power)?.add(1.0));
    let f = compile(f);
    let short = vector(&[1.0, 2.0]);
    let long = vector(&[1.0, 2.0, 3.0]);
    for (x, power, expected, traced) in [
        (&short, 2, vec![2.0, 5.0], 1),
        (&short, 2, vec![2.0, 5.0], 1),
        (&long, 2, vec![2.0, 5.0, 10.0], 2),
        (&short, 3, vec![2.0, 9.0], 3),
        (&long, 2, vec![2.0, 5.0, 10.0], 3),
    ] {
        assert_eq!(values(&f.call(&(x.clone(), power)).unwrap()), expected);
        assert_eq!(runs.get(), traced);
    }
    let half = short.astype(Dtype::F16).unwrap();
    assert_eq!(f.call(&(half, 2)).unwrap().dtype().unwrap(), Dtype::F16);
    assert_eq!(runs.get(), 4);
}

/// The function runs once to be traced, and once for each further shape, to see that it records the same.
#[test]
fn shapeless_traces_serve_all_shapes() {
    let (f, runs) = counted(|x: &Array| x.exp()?.add(1.0)?.multiply(x)?.sum(0));
    let f = compile(f).shapeless();
    for _ in 0..3 {
        for length in 1..5 {
            let x = vector(&vec![0.5; length]);
            let expected = (0.5f32.exp() + 1.0) * 0.5 * length as f32;
            assert!((values(&f.call(&x).unwrap())[0] - expected).abs() < 1e-5);
        }
        assert_eq!(runs.get(), 4);
    }
    let matrix = f.call(&Array::from_slice(&[0.0f32; 6], &[2, 3])).unwrap();
    assert_eq!(values(&matrix), [0.0; 3]);
    assert_eq!(runs.get(), 5);
}

/// MLX replays a trace on any shape, and reads foreign memory where its operations do not fit.
#[test]
fn shapeless_traces_are_not_replayed_where_they_do_not_fit() {
    let weight = mlx::ones(&[3, 4], Dtype::F32);
    weight.eval().unwrap();
    let f = compile(move |x: &Array| x.matmul(&weight)).shapeless();
    assert_eq!(values(&f.call(&mlx::ones(&[1, 3], Dtype::F32)).unwrap()), [3.0; 4]);
    assert_eq!(f.call(&mlx::ones(&[1, 7], Dtype::F32)).unwrap_err().op(), "matmul");
    assert_eq!(values(&f.call(&mlx::ones(&[2, 3], Dtype::F32)).unwrap()), [3.0; 8]);

    let add = compile(|(a, b): &(Array, Array)| a.add(b)).shapeless();
    add.call(&(vector(&[1.0, 2.0]), vector(&[1.0, 2.0]))).unwrap();
    assert!(add.call(&(vector(&[1.0, 2.0]), vector(&[1.0, 2.0, 3.0]))).is_err());
    assert_eq!(values(&add.call(&(vector(&[1.0, 2.0]), vector(&[1.0]))).unwrap()), [2.0, 3.0]);

    // What the function works out from the shape is that of each shape.
    let halves = compile(|x: &Array| {
        let half = x.dim(0)? / 2;
        Ok((x.reshape([2, half])?.sum(1)?, x.multiply(half)?))
    })
    .shapeless();
    for length in [4, 2, 6, 4, 8, 6] {
        let x = mlx::arange(0.0, f64::from(length), 1.0, Dtype::F32).unwrap();
        let (sums, scaled) = halves.call(&x).unwrap();
        let all = values(&x);
        let (left, right) = all.split_at(all.len() / 2);
        assert_eq!(values(&sums), [left.iter().sum::<f32>(), right.iter().sum()]);
        assert_eq!(values(&scaled), all.iter().map(|x| x * left.len() as f32).collect::<Vec<_>>());
    }
}

#[test]
fn the_structure_of_results_belongs_to_the_trace() {
    let f = compile(|x: &Array| (0..x.dim(0)?).map(|i| x.at(i)).collect::<Result<Vec<Array>>>());
    for _ in 0..2 {
        assert_eq!(f.call(&vector(&[1.0, 2.0, 3.0])).unwrap().len(), 3);
        assert_eq!(f.call(&vector(&[1.0])).unwrap().len(), 1);
    }
}

#[test]
fn composes_with_other_transformations() {
    let f = Rc::new(compile(|x: &Array| x.square()?.exp()));
    let x = vector(&[0.5, -1.0]);
    let g = f.clone();
    let gradient = grad(move |x: &Array| g.call(x)?.sum(..))(&x).unwrap();
    let plain = grad(|x: &Array| x.square()?.exp()?.sum(..))(&x).unwrap();
    assert_eq!(values(&gradient), values(&plain));
    let mapped = vmap(move |x: &Array| f.call(x))(&x).unwrap();
    assert_eq!(values(&mapped), values(&x.square().unwrap().exp().unwrap()));
    // The other way round, and compiled in compiled.
    let inner = compile(|x: &Array| x.sin()?.multiply(2.0));
    let outer = compile(move |x: &Array| inner.call(x)?.add(grad(|x: &Array| x.square()?.sum(..))(x)?));
    let expected = x.sin().unwrap() * 2.0 + &x * 2.0;
    assert_eq!(values(&outer.call(&x).unwrap()), values(&expected));
}

#[test]
fn failures_while_tracing_come_back_and_do_not_stick() {
    let fail = Rc::new(Cell::new(1));
    let mode = fail.clone();
    let f = compile(move |x: &Array| match mode.get() {
        1 => x.add(vector(&[1.0, 2.0, 3.0])),
        2 => panic!("boom"),
        _ => x.add(1.0),
    });
    let x = vector(&[1.0, 2.0]);
    assert_eq!(f.call(&x).unwrap_err().op(), "add");
    fail.set(2);
    assert!(catch_unwind(AssertUnwindSafe(|| f.call(&x))).is_err());
    fail.set(0);
    assert_eq!(values(&f.call(&x).unwrap()), [2.0, 3.0]);
}

#[test]
fn a_function_that_calls_itself_is_refused() {
    thread_local!(static SELF: std::cell::RefCell<Option<Rc<mlx::transforms::Compiled<Array, Array>>>> = const { std::cell::RefCell::new(None) });
    let f = Rc::new(compile(|x: &Array| {
        let me = SELF.with_borrow(|f| f.clone()).unwrap();
        me.call(&(x + 1.0))
    }));
    SELF.set(Some(f.clone()));
    let error = f.call(&vector(&[1.0])).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidArgument, "{error}");
    SELF.set(None);
}

#[derive(Clone, Debug, Module)]
struct Counter {
    weight: Param,
    steps: Array,
    mode: Training,
}

fn counter() -> Counter {
    Counter { weight: vector(&[1.0, 2.0]).into(), steps: Array::scalar(0i32), mode: Training::default() }
}

#[test]
fn steps_change_their_state() {
    let runs = Rc::new(Cell::new(0));
    let count = runs.clone();
    let step = compile_with_state(move |state: &mut Counter, x: &Array| {
        count.set(count.get() + 1);
        let (loss, grads) = nn::value_and_grad(state, |state| state.weight.multiply(x)?.square()?.sum(..))?;
        for grad in grads.values() {
            *state.weight.value_mut() = state.weight.subtract(grad * 0.1)?;
        }
        state.steps = state.steps.add(if state.mode.is_on() { 1 } else { 100 })?;
        Ok(loss)
    });
    let mut state = counter();
    let mut expected = counter();
    let x = vector(&[1.0, 0.5]);
    for i in 1..=4 {
        let loss = step.call(&mut state, &x).unwrap();
        let w = expected.weight.clone();
        let plain = w.multiply(&x).unwrap().square().unwrap().sum(..).unwrap();
        *expected.weight.value_mut() = &*w - x.square().unwrap() * 2.0 * &*w * 0.1;
        assert!((loss.item::<f32>().unwrap() - plain.item::<f32>().unwrap()).abs() < 1e-5);
        assert_eq!(state.steps.item::<i32>().unwrap(), i);
        for (a, b) in values(&state.weight).iter().zip(values(&expected.weight)) {
            assert!((a - b).abs() < 1e-5);
        }
    }
    assert_eq!(runs.get(), 1);
    // Another mode is another trace.
    state.set_training(false);
    step.call(&mut state, &x).unwrap();
    assert_eq!((runs.get(), state.steps.item::<i32>().unwrap()), (2, 104));
}

#[test]
fn a_step_that_fails_leaves_its_state() {
    let step = compile_with_state(|state: &mut Counter, fail: &i32| {
        state.steps = state.steps.add(1)?;
        match *fail {
            1 => Err(mlx::Error::new(ErrorKind::Io, "mine", "no")),
            2 => panic!("boom"),
            _ => state.steps.add(1),
        }
    });
    let mut state = counter();
    assert_eq!(step.call(&mut state, &1).unwrap_err().op(), "mine");
    assert!(catch_unwind(AssertUnwindSafe(|| step.call(&mut state, &2))).is_err());
    assert_eq!(state.steps.item::<i32>().unwrap(), 0);
    step.call(&mut state, &0).unwrap();
    assert_eq!(state.steps.item::<i32>().unwrap(), 1);

    let grow = compile_with_state(|list: &mut Vec<Array>, x: &Array| {
        list.push(x.clone());
        Ok(())
    });
    assert!(grow.call(&mut vec![], &vector(&[1.0])).is_err());
}

/// A trace records streams; one made on another stream must not be replayed.
#[test]
fn streams_belong_to_the_trace() {
    let (f, runs) = counted(|x: &Array| x.add(1.0));
    let f = compile(f);
    let x = vector(&[1.0]);
    f.call(&x).unwrap();
    let other = Stream::new(Device::Cpu).unwrap();
    assert_eq!(values(&with_stream(&other, || f.call(&x)).unwrap()), [2.0]);
    assert_eq!(runs.get(), 2);
}

/// MLX knows functions by address; one made where another stood must not get its trace.
#[test]
fn functions_never_get_the_trace_of_another() {
    let engine = Engine::start("compile", || Ok::<_, mlx::Error>(())).unwrap();
    for i in 1..50 {
        let f = compile(move |x: &Array| x.tile([i]));
        assert_eq!(values(&f.call(&vector(&[2.0])).unwrap()), vec![2.0; i as usize]);
        drop(f);
        let there = engine.run(move |()| {
            let f = compile(move |x: &Array| x.repeat(i + 1, 0));
            f.call(&vector(&[2.0]))?.to_vec::<f32>()
        });
        assert_eq!(there.unwrap().unwrap(), vec![2.0; i as usize + 1]);
    }
}

/// The memory of what a trace captured goes with the function.
#[test]
fn traces_go_with_the_function() {
    struct Counted(Rc<Cell<i32>>);
    impl Drop for Counted {
        fn drop(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }
    let drops = Rc::new(Cell::new(0));
    let held =
        (Counted(drops.clone()), random::normal(&[64, 64], Dtype::F32, &random::key(1).unwrap()).unwrap());
    held.1.eval().unwrap();
    let f = compile(move |x: &Array| x.matmul(&held.1).inspect(|_| drop(held.0.0.clone())));
    let y = f.call(&mlx::ones(&[1, 64], Dtype::F32)).unwrap();
    y.eval().unwrap();
    drop((f, y));
    assert_eq!(drops.get(), 1);
}
