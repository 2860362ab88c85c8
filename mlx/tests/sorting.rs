//! Sorting, selecting and searching, against the standard library.

use mlx::{Array, Dtype, ErrorKind, Result, ops::Side, random, zeros};
use std::collections::BTreeMap;

/// Integers with many repetitions.
fn numbers(count: i32, seed: u64) -> Result<Vec<i32>> {
    let drawn = random::uniform(-9.0, 9.0, &[count], Dtype::F32, &random::key(seed)?)?;
    drawn.floor()?.to_vec()
}

fn vector(values: &[i32]) -> Array {
    Array::from_slice(values, &[values.len() as i32])
}

#[test]
fn orders() -> Result<()> {
    let values = numbers(60, 1)?;
    let x = Array::from_slice(&values, &[6, 10]);
    let mut all = values.clone();
    all.sort_unstable();
    let mut rows = values.clone();
    rows.chunks_mut(10).for_each(<[i32]>::sort_unstable);
    assert_eq!(x.sort(..)?.to_vec::<i32>()?, all);
    assert_eq!(x.sort(-1)?.to_vec::<i32>()?, rows);
    let flat = x.flatten(0, -1)?;
    assert_eq!(flat.take(&x.argsort(..)?, 0)?.to_vec::<i32>()?, all);
    assert_eq!(x.take_along_axis(&x.argsort(1)?, 1)?.to_vec::<i32>()?, rows);
    for kth in [0, 7, 59, -1, -60] {
        let at = if kth < 0 { kth + 60 } else { kth } as usize;
        for found in [x.partition(kth, ..)?, flat.take(&x.argpartition(kth, ..)?, 0)?] {
            let found = found.to_vec::<i32>()?;
            assert_eq!(found[at], all[at]);
            assert!(found[..at].iter().all(|v| *v <= all[at]) && found[at..].iter().all(|v| *v >= all[at]));
        }
    }
    for k in [0, 1, 10] {
        for (row, found) in rows.chunks(10).zip(x.topk(k, 1)?.unstack(0)?) {
            let mut found = found.to_vec::<i32>()?;
            found.sort_unstable();
            assert_eq!(found, row[10 - k as usize..]);
        }
    }
    assert_eq!(x.topk(1, ..)?.to_vec::<i32>()?, all[59..]);
    let odd = Array::from_slice(&[f32::NAN, 1.0, f32::NEG_INFINITY, f32::INFINITY], &[4])
        .sort(0)?
        .to_vec::<f32>()?;
    assert!(odd[3].is_nan() && odd[..3] == [f32::NEG_INFINITY, 1.0, f32::INFINITY]);
    Ok(())
}

#[test]
fn searching_in_sorted_numbers() -> Result<()> {
    let mut sorted = numbers(40, 2)?;
    sorted.sort_unstable();
    let wanted: Vec<i32> = (-11..11).collect();
    for (side, count) in
        [(Side::Left, (|v: i32, w: i32| v < w) as fn(i32, i32) -> bool), (Side::Right, |v, w| v <= w)]
    {
        let found = vector(&sorted).searchsorted(vector(&wanted).reshape([2, 11])?, side)?;
        assert_eq!(found.shape()?, [2, 11]);
        let expected: Vec<u32> =
            wanted.iter().map(|&w| sorted.partition_point(|&v| count(v, w)) as u32).collect();
        assert_eq!(found.to_vec::<u32>()?, expected);
    }
    assert_eq!(zeros(&[0], Dtype::F32).searchsorted(1.0, Side::Left)?.item::<u32>()?, 0);
    Ok(())
}

#[test]
fn distinct_elements() -> Result<()> {
    let values = numbers(50, 3)?;
    let mut distinct = BTreeMap::new();
    for (i, value) in values.iter().enumerate() {
        distinct.entry(*value).or_insert((i as u32, 0)).1 += 1;
    }
    let count = distinct.len() as i32;
    let unique = Array::from_slice(&values, &[5, 10]).unique(count)?;
    assert_eq!(unique.values.to_vec::<i32>()?, distinct.keys().copied().collect::<Vec<_>>());
    assert_eq!(unique.index.to_vec::<u32>()?, distinct.values().map(|(first, _)| *first).collect::<Vec<_>>());
    assert_eq!(unique.counts.to_vec::<i32>()?, distinct.values().map(|(_, n)| *n).collect::<Vec<_>>());
    assert_eq!(unique.inverse.shape()?, [5, 10]);
    let again = unique.values.take(&unique.inverse, 0)?;
    assert_eq!(again.to_vec::<i32>()?, values);
    let padded = vector(&[2, 1, 2]).unique_or(4, -7)?;
    assert_eq!(padded.values.to_vec::<i32>()?, [1, 2, -7, -7]);
    assert_eq!(padded.counts.to_vec::<i32>()?, [1, 2, 0, 0]);
    assert_eq!(vector(&[2, 1, 2]).unique(1)?.values.to_vec::<i32>()?, [1]);
    let nothing = zeros(&[0], Dtype::I32);
    assert_eq!(nothing.unique(0)?.values.shape()?, [0]);
    assert_eq!(nothing.unique_or(2, 5)?.values.to_vec::<i32>()?, [5, 5]);
    Ok(())
}

#[test]
fn senseless_arguments_are_errors() -> Result<()> {
    let (x, scalar) = (vector(&[1, 2, 3]), Array::scalar(1));
    let empty = zeros(&[0, 3], Dtype::F32);
    for (name, result) in [
        ("sort", x.sort(1)),
        ("sort", x.sort([0, 0])),
        ("sort", scalar.sort(-1)),
        ("argsort", x.argsort(i32::MIN)),
        ("partition", x.partition(3, 0)),
        ("partition", x.partition(i32::MIN, ..)),
        ("partition", empty.partition(0, ..)),
        ("argpartition", empty.argpartition(0, 0)),
        ("argpartition", x.argpartition(i32::MAX, -1)),
        ("topk", x.topk(4, ..)),
        ("topk", x.topk(-1, 0)),
        ("topk", empty.topk(1, 0)),
        ("searchsorted", scalar.searchsorted(1, Side::Left)),
        ("searchsorted", empty.searchsorted(1, Side::Right)),
        ("unique", x.unique(-1).map(|u| u.values)),
        ("unique", empty.unique(2).map(|u| u.values)),
        ("unique", x.unique_or(5, vector(&[1, 2])).map(|u| u.values)),
    ] {
        let kind = result.as_ref().map_err(mlx::Error::kind);
        assert_eq!(kind.err(), Some(ErrorKind::InvalidArgument), "{name}: {result:?}");
    }
    Ok(())
}
