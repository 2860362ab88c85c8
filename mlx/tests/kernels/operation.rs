//! Operations in Rust: what they see, what they give, and how they fail.

use crate::support::{Closures, Drops};
use mlx::kernels::{Operation, Spec, View, ViewMut, apply, apply_list};
use mlx::{
    Array, Dtype, Element, Engine, Error, ErrorKind, Result, async_eval, bf16, eval, f16, ones, synchronize,
    zeros,
};
use std::sync::Arc;

/// Copies the elements of the only input.
fn copy<T: Element>() -> Arc<Closures> {
    Closures::map(|inputs, outputs| {
        outputs[0].as_mut_slice::<T>()?.copy_from_slice(inputs[0].as_slice::<T>()?);
        Ok(())
    })
    .share()
}

#[test]
fn elements_of_every_type_go_in_and_out() -> Result<()> {
    fn check<T: Element + PartialEq + std::fmt::Debug>(data: &[T]) -> Result<()> {
        let [y] = apply(&copy::<T>(), &[&Array::from_slice(data, &[data.len() as i32])])?;
        assert_eq!(y.to_vec::<T>()?, data);
        Ok(())
    }
    check(&[0u8, 1, 255])?;
    check(&[1u16, u16::MAX])?;
    check(&[1u32, u32::MAX])?;
    check(&[1u64, u64::MAX])?;
    check(&[-1i8, 5])?;
    check(&[-1i16, 5])?;
    check(&[i32::MIN, 5])?;
    check(&[i64::MIN, 5])?;
    check(&[1.5f32, -2.0, f32::INFINITY])?;
    check(&[1.5f64, -2.0])?;
    check(&[f16::from_f32(1.5), f16::from_f32(-2.0)])?;
    check(&[bf16::from_f32(1.5), bf16::from_f32(-2.0)])?;
    let bools = Array::from_slice(&[true, false, true], &[3]);
    let [y] = apply(&copy::<u8>(), &[&bools])?;
    assert_eq!(y.to_vec::<bool>()?, [true, false, true]);
    Ok(())
}

#[test]
fn inputs_come_dense_whatever_they_were() -> Result<()> {
    let x = Array::from_slice(&(0..24).collect::<Vec<i32>>(), &[2, 3, 4]);
    let bytes = Array::from_slice(&(0..20).collect::<Vec<u8>>(), &[20]);
    let inputs = [
        ("as it is", x.clone()),
        ("transposed", x.t()?),
        ("axes swapped", x.swapaxes(0, 1)?),
        ("broadcast", x.at((0, 1))?.broadcast_to([3, 2, 4])?),
        ("a column", x.at((0, .., 2))?),
        ("backwards", x.flip(..)?),
        ("columns", x.at((.., .., 1..3))?),
        ("a scalar", x.at((1, 1, 1))?),
        ("not aligned", bytes.slice(&[1], &[17])?.view(Dtype::I32)?),
    ];
    for (what, input) in inputs {
        let [y] = apply(&copy::<i32>(), &[&input])?;
        assert_eq!(y.shape()?, input.shape()?, "{what}");
        assert_eq!(y.to_vec::<i32>()?, input.to_vec::<i32>()?, "{what}");
    }
    Ok(())
}

#[test]
fn strided_inputs_come_as_they_lie() -> Result<()> {
    /// Reads every element through the strides.
    fn gather(inputs: &[View<'_>], outputs: &mut [ViewMut<'_>]) -> Result<()> {
        let (x, strided) = (&inputs[0], inputs[0].strided::<i32>()?);
        let y = outputs[0].as_mut_slice::<i32>()?;
        for (flat, y) in y.iter_mut().enumerate() {
            let (mut rest, mut place) = (flat as i64, strided.origin as i64);
            for (&extent, &stride) in x.shape().iter().zip(x.strides()).rev() {
                place += rest % i64::from(extent) * stride;
                rest /= i64::from(extent);
            }
            *y = strided.elements[place as usize];
        }
        Ok(())
    }
    let operation = Arc::new(Closures { strided: true, ..Closures::map(gather) });
    let x = Array::from_slice(&(0..24).collect::<Vec<i32>>(), &[2, 3, 4]);
    for input in
        [x.clone(), x.t()?, x.flip(..)?, x.at((0, 1))?.broadcast_to([3, 2, 4])?, x.at((.., 1..1, ..))?]
    {
        let [y] = apply(&operation, &[&input])?;
        assert_eq!(y.to_vec::<i32>()?, input.to_vec::<i32>()?);
    }

    let dense = Closures::map(|inputs, _| inputs[0].as_slice::<i32>().map(drop));
    let operation = Arc::new(Closures { strided: true, ..dense });
    let [y] = apply(&operation, &[&x.t()?])?;
    let error = y.eval().unwrap_err();
    assert!(error.message().contains("strides [12, 1, 4]"), "{error}");
    Ok(())
}

#[test]
fn several_outputs_of_other_shapes_and_types() -> Result<()> {
    let operation = Closures::new(
        |inputs| Ok(vec![inputs[0].clone(), Spec::new([2], Dtype::I64), Spec::new([], Dtype::Bool)]),
        |inputs, outputs| {
            let x = inputs[0].as_slice::<f32>()?;
            let [double, ends, any] = outputs else {
                return Err(Error::new(ErrorKind::Callback, "test", "outputs"));
            };
            double.as_mut_slice::<f32>()?.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
            ends.as_mut_slice::<i64>()?.copy_from_slice(&[x[0] as i64, x[x.len() - 1] as i64]);
            any.as_mut_slice::<u8>()?[0] = x.iter().any(|&x| x < 0.0).into();
            Ok(())
        },
    )
    .share();
    let x = Array::from_slice(&[3.0f32, -1.0, 4.0], &[3]);
    let [double, ends, any] = apply(&operation, &[&x])?;
    eval([&double, &ends, &any])?;
    assert_eq!(double.to_vec::<f32>()?, [6.0, -2.0, 8.0]);
    assert_eq!(ends.to_vec::<i64>()?, [3, 4]);
    assert!(any.item::<bool>()?);
    // One output alone, as part of more work, with the others dropped.
    let [double, ..] = <[Array; 3]>::try_from(apply_list(&operation, &[&x])?).unwrap();
    assert_eq!((double + 1.0).sum(..)?.item::<f32>()?, 15.0);

    let error = apply::<_, 2>(&operation, &[&x]).unwrap_err();
    assert!(error.message().contains("3 outputs"), "{error}");
    Ok(())
}

#[test]
fn empty_arrays_and_none() -> Result<()> {
    let [y] = apply(&copy::<f32>(), &[&zeros(&[3, 0], Dtype::F32)])?;
    assert_eq!((y.shape()?, y.to_vec::<f32>()?), (&[3, 0][..], vec![]));
    let count = Closures::new(
        |_| Ok(vec![Spec::new([2, 2], Dtype::F32)]),
        |inputs, outputs| {
            outputs[0].as_mut_slice::<f32>()?.fill(inputs.len() as f32 + 1.0);
            Ok(())
        },
    );
    let [y] = apply(&count.share(), &[] as &[Array])?;
    assert_eq!(y.to_vec::<f32>()?, [1.0; 4]);
    Ok(())
}

#[test]
fn outputs_that_are_not_written_are_zeros() -> Result<()> {
    // Memory that is used again holds what was there before.
    drop(ones(&[1000], Dtype::F32).eval());
    let nothing = Closures::map(|_, _| Ok(())).share();
    let [y] = apply(&nothing, &[&zeros(&[1000], Dtype::F32)])?;
    assert_eq!(y.to_vec::<f32>()?, [0.0; 1000]);
    Ok(())
}

#[test]
fn wrong_types_are_errors_with_the_name_of_the_operation() -> Result<()> {
    let x = Array::from_slice(&[1.0f32, 1.0], &[2]);
    let cases: [(Arc<Closures>, &str); 4] = [
        (copy::<i32>(), "closures: the elements are float32, not int32"),
        (copy::<u8>(), "closures: the elements are float32, not uint8"),
        (copy::<bool>(), "closures: take elements of dtype bool as u8: their bytes may not be 0 or 1"),
        (
            Closures::map(|_, _| Err(Error::new(ErrorKind::Io, "mine", "100%s of %n"))).share(),
            "closures: 100%s of %n",
        ),
    ];
    for (operation, message) in cases {
        let [y] = apply(&operation, &[&x])?;
        let error = (y + 1.0).eval().unwrap_err();
        assert_eq!((error.kind(), error.op(), error.message()), (ErrorKind::Callback, "eval", message));
    }
    Ok(())
}

#[test]
fn panics_are_errors_and_the_next_evaluation_works() -> Result<()> {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            if !std::thread::panicking() {
                panic!("in drop");
            }
        }
    }
    let x = Array::from_slice(&[1.0f32, 1.0], &[2]);
    let panics: [(Arc<Closures>, &str); 4] = [
        (Closures::map(|_, _| panic!("boom")).share(), "closures: panicked: boom"),
        (
            Closures::map(|inputs, _| panic!("{} inputs", inputs.len())).share(),
            "closures: panicked: 1 inputs",
        ),
        (
            Closures::map(|_, _| std::panic::panic_any(Bomb)).share(),
            "closures: panicked: a value that is not text",
        ),
        (
            Closures::map(|_, _| std::panic::panic_any(7)).share(),
            "closures: panicked: a value that is not text",
        ),
    ];
    for (operation, message) in panics {
        let [y] = apply(&operation, &[&x])?;
        let error = y.eval().unwrap_err();
        assert_eq!((error.kind(), error.message()), (ErrorKind::Callback, message));
        assert!(y.to_vec::<f32>().is_err(), "what failed cannot be read");
        assert_eq!((&x + 1.0).to_vec::<f32>()?, [2.0, 2.0]);
    }
    Ok(())
}

#[test]
fn failures_are_errors_on_every_thread() -> Result<()> {
    let engine = Engine::start("failing", || Ok::<_, Error>(()))?;
    let error = engine.run(|()| {
        let [y] = apply(&Closures::map(|_, _| panic!("boom")).share(), &[&ones(&[2], Dtype::F32)])?;
        async_eval([&y])?;
        y.to_vec::<f32>()
    })?;
    assert_eq!(error.unwrap_err().kind(), ErrorKind::Callback);
    assert_eq!(engine.run(|()| (ones(&[2], Dtype::F32) + 1.0).to_vec::<f32>())??, [2.0, 2.0]);
    Ok(())
}

#[test]
fn impossible_outputs_are_refused() {
    let x = ones(&[2], Dtype::F32);
    let shapes: [&[i32]; 4] = [&[-1], &[i32::MAX; 3], &[65536, 65536, 65536, 65536], &[i32::MIN]];
    for shape in shapes {
        let spec = Spec::new(shape, Dtype::F32);
        let operation = Closures::new(move |_| Ok(vec![spec.clone()]), |_, _| Ok(())).share();
        let error = apply::<_, 1>(&operation, &[&x]).unwrap_err();
        assert_eq!((error.kind(), error.op()), (ErrorKind::InvalidArgument, "apply"), "{shape:?}");
    }
    let none = Closures::new(|_| Ok(vec![]), |_, _| Ok(())).share();
    assert!(apply_list(&none, &[&x]).is_err());
    // Addressable, but no machine has it.
    let huge = Closures::new(|_| Ok(vec![Spec::new([1 << 21, 1 << 21], Dtype::U8)]), |_, _| Ok(())).share();
    let result = apply::<_, 1>(&huge, &[&x]).and_then(|[y]| y.eval());
    assert_eq!(result.unwrap_err().kind(), ErrorKind::OutOfMemory);
    // A failed input's own error comes out.
    let failed = &x + ones(&[3], Dtype::F32);
    assert_eq!(apply::<_, 1>(&none, &[&failed]).unwrap_err().op(), "add");
}

#[test]
fn the_state_is_dropped_once() -> Result<()> {
    let x = ones(&[2], Dtype::F32);
    let drops = Drops::default();
    let doubles = || {
        Closures::map(|inputs, outputs| {
            let x = inputs[0].as_slice::<f32>()?;
            outputs[0].as_mut_slice::<f32>()?.iter_mut().zip(x).for_each(|(y, x)| *y = 2.0 * x);
            Ok(())
        })
        .counting(&drops)
        .share()
    };
    let panics = || Closures::map(|_, _| panic!("boom")).counting(&drops).share();
    let refused =
        || Closures::new(|_| Err(Error::new(ErrorKind::Io, "x", "no")), |_, _| Ok(())).counting(&drops);

    drop(apply::<_, 1>(&doubles(), &[&x])?);
    drops.settle("never evaluated");
    drop(apply::<_, 1>(&refused().share(), &[&x]));
    drops.settle("never recorded");
    let [y] = apply(&doubles(), &[&x])?;
    y.eval()?;
    drops.settle("evaluated");
    let [y] = apply(&panics(), &[&x])?;
    assert!(y.eval().is_err());
    drop(y);
    drops.settle("failed");
    let [y] = apply(&doubles(), &[&x])?;
    async_eval([&y])?;
    drop(y);
    synchronize()?;
    drops.settle("dropped while it may run");
    let operation = doubles();
    let [a] = apply(&operation, &[&x])?;
    let [b] = apply(&operation, &[&a])?;
    drop(operation);
    assert_eq!(b.to_vec::<f32>()?, [4.0, 4.0]);
    drop((a, b));
    drops.settle("recorded twice");

    // A panic as the state is dropped stays on the thread where that happens.
    struct Bomb(#[allow(dead_code, reason = "held for its drop")] Drops);
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    impl Operation for Bomb {
        fn name(&self) -> &str {
            "bomb"
        }
        fn outputs(&self, inputs: &[Spec]) -> Result<Vec<Spec>> {
            Ok(inputs.to_vec())
        }
        fn eval(&self, _: &[View<'_>], _: &mut [ViewMut<'_>]) -> Result<()> {
            Ok(())
        }
    }
    let [y] = apply(&Arc::new(Bomb(drops.one())), &[&x])?;
    assert_eq!(y.to_vec::<f32>()?, [0.0, 0.0]);
    drops.settle("with a panic");
    Ok(())
}
