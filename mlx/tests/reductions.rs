//! Reductions and scans, against plain loops over random numbers.

use mlx::{
    Array, Dtype, ErrorKind, Result, axes,
    ops::{Scan, Tolerance},
    random, scan,
    transforms::grad,
    zeros,
};

fn numbers(shape: &[i32]) -> Result<Array> {
    random::uniform(-3.0, 3.0, shape, Dtype::F32, &random::key(7)?)
}

type Step = fn(f64, f64) -> f64;
type Method = fn(&Array, Scan) -> Result<Array>;

fn scanned(values: &[f32], start: f64, step: Step, reverse: bool, exclusive: bool) -> Vec<f64> {
    let mut values: Vec<f64> = values.iter().copied().map(f64::from).collect();
    if reverse {
        values.reverse();
    }
    let mut so_far = start;
    let mut out: Vec<f64> = Vec::new();
    for value in values {
        let with = step(so_far, value);
        out.push(if exclusive { so_far } else { with });
        so_far = with;
    }
    if reverse {
        out.reverse();
    }
    out
}

#[test]
fn scans_in_all_directions() -> Result<()> {
    let methods: [(&str, Method, f64, Step); 5] = [
        ("cumsum", |x, s| x.cumsum(s), 0.0, |a, b| a + b),
        ("cumprod", |x, s| x.cumprod(s), 1.0, |a, b| a * b),
        ("cummax", |x, s| x.cummax(s), f64::NEG_INFINITY, f64::max),
        ("cummin", |x, s| x.cummin(s), f64::INFINITY, f64::min),
        ("logcumsumexp", |x, s| x.logcumsumexp(s), f64::NEG_INFINITY, |a, b| (a.exp() + b.exp()).ln()),
    ];
    let x = numbers(&[2, 7])?;
    let values = x.to_vec::<f32>()?;
    for (name, method, start, step) in methods {
        for (reverse, exclusive) in [(false, false), (true, false), (false, true), (true, true)] {
            let with_options = |s: Scan| {
                let s = if reverse { s.reverse() } else { s };
                if exclusive { s.exclusive() } else { s }
            };
            let rows =
                values.chunks(7).flat_map(|row| scanned(row, start, step, reverse, exclusive)).collect();
            let flat = scanned(&values, start, step, reverse, exclusive);
            for (found, expected) in
                [(method(&x, with_options(scan(-1)))?, rows), (method(&x, with_options(scan(..)))?, flat)]
            {
                for (found, expected) in found.to_vec::<f32>()?.into_iter().zip(expected) {
                    let same = f64::from(found) == expected || (f64::from(found) - expected).abs() < 1e-3;
                    assert!(same, "{name} reverse {reverse} exclusive {exclusive}: {found}, not {expected}");
                }
            }
        }
    }
    assert_eq!(Array::scalar(3).cumsum(..)?.to_vec::<i32>()?, [3]);
    assert_eq!(zeros(&[0, 3], Dtype::F32).cumsum(0)?.shape()?, [0, 3]);
    assert_eq!(Array::from_slice(&[true, true], &[2]).cumsum(0)?.to_vec::<i32>()?, [1, 2]);
    Ok(())
}

#[test]
fn differences_of_neighbours() -> Result<()> {
    let x = Array::from_slice(&[1, 4, 9, 16, 25], &[5]);
    for (n, expected) in [
        (0, &[1, 4, 9, 16, 25][..]),
        (1, &[3, 5, 7, 9]),
        (2, &[2, 2, 2]),
        (4, &[0]),
        (5, &[]),
        (i32::MAX, &[]),
    ] {
        assert_eq!(x.diff(n, 0)?.to_vec::<i32>()?, expected);
    }
    Ok(())
}

#[test]
fn positions_of_extremes() -> Result<()> {
    let x = Array::from_slice(&[3.0f32, 9.0, 1.0, 9.0, 0.0, 2.0], &[2, 3]);
    for (found, shape, expected) in [
        (x.argmax(1)?, &[2][..], &[1u32, 0][..]),
        (x.argmax(..)?, &[], &[1]),
        (x.argmin(..)?, &[], &[4]),
        (x.argmin(axes(0).keep())?, &[1, 3], &[0, 1, 0]),
        (x.argmax(axes(..).keep())?, &[1, 1], &[1]),
        (Array::scalar(2).argmax(..)?, &[], &[0]),
    ] {
        assert_eq!((found.shape()?, found.to_vec::<u32>()?), (shape, expected.to_vec()));
    }
    Ok(())
}

#[test]
fn statistics() -> Result<()> {
    let x = numbers(&[3, 5])?;
    let values: Vec<f64> = x.to_vec::<f32>()?.into_iter().map(f64::from).collect();
    let mean = values.iter().sum::<f64>() / 15.0;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    let mut sorted = values.clone();
    sorted.sort_by(f64::total_cmp);
    let (low, high) = x.minmax(..)?;
    for (found, expected) in [
        (x.mean(..)?, mean),
        (x.var(.., 0)?, squares / 15.0),
        (x.var(.., 3)?, squares / 12.0),
        (x.std(.., 1)?, (squares / 14.0).sqrt()),
        (x.median(..)?, sorted[7]),
        (low, sorted[0]),
        (high, sorted[14]),
        (x.logsumexp(..)?, values.iter().map(|v| v.exp()).sum::<f64>().ln()),
    ] {
        assert!((f64::from(found.item::<f32>()?) - expected).abs() < 1e-4, "{found} is not {expected}");
    }
    let (precise, imprecise) = (x.softmax(-1)?, x.softmax_imprecise(-1)?);
    assert!(precise.allclose(&imprecise, mlx::ops::Tolerance::default())?.item::<bool>()?);
    Ok(())
}

#[test]
fn what_has_no_answer_is_an_error() -> Result<()> {
    let (x, empty, scalar) = (numbers(&[2, 3])?, zeros(&[0, 3], Dtype::F32), Array::scalar(1.0f32));
    for (name, result) in [
        ("argmax", empty.argmax(..)),
        ("argmax", empty.argmax(0)),
        ("argmax", x.argmax(2)),
        ("argmax", x.argmax(i32::MIN)),
        ("argmax", x.argmax([0, 1])),
        ("argmin", scalar.argmin(0)),
        ("max", empty.max(..)),
        ("median", empty.median(..)),
        ("logsumexp", empty.logsumexp(..)),
        ("sum", x.sum([0, 0])),
        ("sum", x.sum([0, -2])),
        ("softmax", scalar.softmax(-1)),
        ("cumsum", x.cumsum(5)),
        ("cumsum", scalar.cumsum(0)),
        ("cummax", x.cummax(i32::MIN)),
    ] {
        let kind = result.as_ref().map_err(mlx::Error::kind);
        assert_eq!(kind.err(), Some(ErrorKind::InvalidArgument), "{name}: {result:?}");
    }
    Ok(())
}

/// On the CPU, MLX may not come back from these, for the elements that the memory held before.
#[test]
fn empty_arrays_in_any_order_reduce() {
    let numbers = mlx::arange(0.0, 24.0, 1.0, Dtype::I32).unwrap().reshape([2, 3, 4]).unwrap();
    for round in 0..200 {
        // What freed memory holds differs from round to round.
        (&numbers + round).eval().unwrap();
        let turned = zeros(&[0, 2], Dtype::F32).t().unwrap().sort(0).unwrap();
        assert_eq!(turned.sum(1).unwrap().to_vec::<f32>().unwrap(), [0.0; 2]);
        assert_eq!(turned.prod(1).unwrap().to_vec::<f32>().unwrap(), [1.0; 2]);
        assert_eq!(turned.vecdot(&turned, 1).unwrap().to_vec::<f32>().unwrap(), [0.0; 2]);
        assert_eq!(mlx::einsum("ij->i", &[&turned]).unwrap().to_vec::<f32>().unwrap(), [0.0; 2]);
        assert!(turned.allclose(&turned, Tolerance::default()).unwrap().item::<bool>().unwrap());
        assert!(turned.array_equal(&turned).unwrap().item::<bool>().unwrap());
        let gradient = grad(|x: &Array| x.sum(1)?.sum(..))(&turned).unwrap();
        assert_eq!(gradient.shape().unwrap(), [2, 0]);
        for offset in [-4, 4, i32::MIN, i32::MAX] {
            assert_eq!(numbers.trace(offset, [1, 2]).unwrap().to_vec::<i32>().unwrap(), [0; 2], "{offset}");
            assert_eq!(numbers.diagonal(offset, [2, 0]).unwrap().shape().unwrap(), [3, 0], "{offset}");
        }
    }
}
