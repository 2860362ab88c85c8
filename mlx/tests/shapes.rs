//! Shapes, orders and layouts, against plain index arithmetic.

use mlx::{
    Array, Dtype, Element, ErrorKind, Result, arange, broadcast_arrays, broadcast_shapes, depends, ones,
    ops::{PadMode, Padding},
    stack, zeros,
};

fn counting(shape: &[i32]) -> Result<Array> {
    arange(0.0, shape.iter().product::<i32>().into(), 1.0, Dtype::I32)?.reshape(shape)
}

#[test]
fn one_dimension_as_several() -> Result<()> {
    let x = counting(&[2, 12])?;
    for (axis, shape, expected) in [
        (1, &[3, 4][..], &[2, 3, 4][..]),
        (-1, &[-1, 6], &[2, 2, 6]),
        (0, &[1, 2, 1], &[1, 2, 1, 12]),
        (0, &[-1], &[2, 12]),
    ] {
        let y = x.unflatten(axis, shape)?;
        assert_eq!((y.shape()?, y.to_vec::<i32>()?), (expected, x.to_vec::<i32>()?));
    }
    assert_eq!(zeros(&[0, 3], Dtype::F32).unflatten(0, [0, 5])?.shape()?, [0, 5, 3]);
    Ok(())
}

#[test]
fn at_least_so_many_dimensions() -> Result<()> {
    for (shape, one, two, three) in [
        (&[][..], &[1][..], &[1, 1][..], &[1, 1, 1][..]),
        (&[5], &[5], &[1, 5], &[1, 5, 1]),
        (&[2, 3], &[2, 3], &[2, 3], &[2, 3, 1]),
        (&[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1, 2, 3], &[0, 1, 2, 3]),
    ] {
        let x = zeros(shape, Dtype::F32);
        assert_eq!(
            (x.atleast_1d()?.shape()?, x.atleast_2d()?.shape()?, x.atleast_3d()?.shape()?),
            (one, two, three)
        );
    }
    Ok(())
}

#[test]
fn shapes_broadcast() -> Result<()> {
    for (shapes, expected) in [
        (&[&[2, 3][..], &[3]][..], Some(&[2, 3][..])),
        (&[&[2, 1], &[1, 3], &[]], Some(&[2, 3])),
        (&[&[0, 3], &[1, 3]], Some(&[0, 3])),
        (&[&[5]], Some(&[5])),
        (&[], Some(&[])),
        (&[&[2, 3], &[2]], None),
        (&[&[0], &[2]], None),
        (&[&[-1], &[1]], None),
    ] {
        assert_eq!(broadcast_shapes(shapes).ok().as_deref(), expected, "{shapes:?}");
    }
    let arrays = broadcast_arrays(&[counting(&[2, 1])?, counting(&[3])?])?;
    assert_eq!(arrays[0].to_vec::<i32>()?, [0, 0, 0, 1, 1, 1]);
    assert_eq!(arrays[1].to_vec::<i32>()?, [0, 1, 2, 0, 1, 2]);
    assert!(broadcast_arrays(&[&counting(&[2])?, &counting(&[3])?]).is_err());
    assert!(broadcast_arrays(&[] as &[Array])?.is_empty());
    Ok(())
}

/// The place in an axis of `n` that MLX's modes read for place `i`, which may lie outside.
fn source(mode: PadMode, i: i32, n: i32) -> i32 {
    match mode {
        PadMode::Edge => i.clamp(0, n - 1),
        PadMode::Symmetric => {
            let i = i.rem_euclid(2 * n);
            i.min(2 * n - 1 - i)
        }
        PadMode::Reflect if n == 1 => 0,
        PadMode::Reflect => {
            let i = i.rem_euclid(2 * (n - 1));
            i.min(2 * (n - 1) - i)
        }
    }
}

#[test]
fn padding() -> Result<()> {
    let x = counting(&[3, 4])?;
    for mode in [PadMode::Edge, PadMode::Reflect, PadMode::Symmetric] {
        for [(top, bottom), (left, right)] in
            [[(1, 0), (0, 1)], [(0, 0), (0, 0)], [(2, 2), (3, 3)], [(3, 1), (0, 4)], [(7, 9), (0, 20)]]
        {
            let padded = x.pad_mode([(top, bottom), (left, right)], mode)?;
            assert_eq!(padded.shape()?, [3 + top + bottom, 4 + left + right]);
            let rows = (-top..3 + bottom).map(|i| source(mode, i, 3));
            let expected: Vec<i32> =
                rows.flat_map(|i| (-left..4 + right).map(move |j| i * 4 + source(mode, j, 4))).collect();
            assert_eq!(padded.to_vec::<i32>()?, expected, "{mode:?} {top} {bottom} {left} {right}");
        }
    }
    for (padded, expected) in [
        (counting(&[2])?.pad(1, 9)?, vec![9, 0, 1, 9]),
        (counting(&[2])?.pad((0, 2), -1)?, vec![0, 1, -1, -1]),
        (counting(&[1, 2])?.pad([(0, 1), (1, 0)], 9)?, vec![9, 0, 1, 9, 9, 9]),
        (counting(&[2])?.pad(1, 2.7)?, vec![2, 0, 1, 2]),
        (counting(&[])?.pad(1, 9)?, vec![0]),
        (zeros(&[0], Dtype::I32).pad(1, 9)?, vec![9, 9]),
        (counting(&[1])?.pad_mode(1, PadMode::Edge)?, vec![0, 0, 0]),
    ] {
        assert_eq!(padded.to_vec::<i32>()?, expected);
    }
    Ok(())
}

#[test]
fn rolling() -> Result<()> {
    let x = counting(&[3, 4])?;
    let by = |down: i32, right: i32| -> Vec<i32> {
        let source = |i: i32, j: i32| (i - down).rem_euclid(3) * 4 + (j - right).rem_euclid(4);
        (0..3).flat_map(|i| (0..4).map(move |j| source(i, j))).collect()
    };
    for (found, expected) in [
        (x.roll(1, 0)?, by(1, 0)),
        (x.roll(-5, 1)?, by(0, -5)),
        (x.roll([2, -1], [0, 1])?, by(2, -1)),
        (x.roll(3, [0, -1])?, by(3, 3)),
        (x.roll(i32::MAX, 0)?, by(i32::MAX.rem_euclid(3), 0)),
        (x.roll(i32::MIN, 0)?, by(i32::MIN.rem_euclid(3), 0)),
        (x.roll(5, ..)?, (0..12).map(|i: i32| (i - 5).rem_euclid(12)).collect()),
        (zeros(&[0, 2], Dtype::I32).roll(1, 0)?, vec![]),
        (Array::scalar(3).roll(1, ..)?, vec![3]),
    ] {
        assert_eq!(found.to_vec::<i32>()?, expected);
    }
    Ok(())
}

#[test]
fn pieces_and_copies() -> Result<()> {
    let x = counting(&[2, 3])?;
    let columns = x.unstack(1)?;
    assert_eq!(columns[2].to_vec::<i32>()?, [2, 5]);
    assert_eq!(stack(&columns, 1)?.to_vec::<i32>()?, x.to_vec::<i32>()?);
    assert!(zeros(&[0, 3], Dtype::F32).unstack(0)?.is_empty());
    assert_eq!(x.repeat(2, ..)?.to_vec::<i32>()?, [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5]);
    assert_eq!(x.t()?.to_vec::<i32>()?, [0, 3, 1, 4, 2, 5]);
    assert_eq!(counting(&[2, 1, 2])?.t()?.shape()?, [2, 2, 1]);
    for same in [x.copy()?, x.contiguous()?, x.t()?.contiguous_in_any_order()?.t()?, x.stop_gradient()?] {
        assert_eq!(same.to_vec::<i32>()?, x.to_vec::<i32>()?);
    }
    for (axes, expected) in
        [(mlx::axes(..), 6), (mlx::axes(1), 3), (mlx::axes([0, -1]), 6), (mlx::axes([]), 1)]
    {
        assert_eq!(x.number_of_elements(axes, Dtype::I32)?.item::<i32>()?, expected);
    }
    let both = depends(&[&x, &columns[0]], &[&columns[1]])?;
    assert_eq!(both[1].to_vec::<i32>()?, [0, 3]);
    assert!(depends(&[] as &[Array], &[&x])?.is_empty());
    assert_eq!(depends(&[&x], &[] as &[Array])?.len(), 1);
    Ok(())
}

#[test]
fn the_same_bytes_as_another_type() -> Result<()> {
    fn bytes<T: Element>(x: &Array) -> Result<Vec<T>> {
        x.view(T::DTYPE)?.to_vec()
    }
    let x = ones(&[2], Dtype::F32);
    assert_eq!(bytes::<u32>(&x)?, [0x3f80_0000; 2]);
    assert_eq!(bytes::<u16>(&x)?, [0, 0x3f80, 0, 0x3f80]);
    assert_eq!(bytes::<u64>(&x)?, [0x3f80_0000_3f80_0000]);
    assert_eq!(bytes::<mlx::Complex32>(&x)?, [mlx::Complex32::new(1.0, 1.0)]);
    let huge = zeros(&[1], Dtype::C64).broadcast_to([i32::MAX])?;
    for bad in
        [huge.view(Dtype::U8), Array::scalar(1).view(Dtype::U8), ones(&[3], Dtype::U8).view(Dtype::U16)]
    {
        assert_eq!(bad.unwrap_err().kind(), ErrorKind::InvalidArgument);
    }
    Ok(())
}

#[test]
fn senseless_arguments_are_errors() -> Result<()> {
    let (x, empty, scalar) = (counting(&[3, 4])?, zeros(&[0, 3], Dtype::F32), Array::scalar(1));
    let (least, most) = (i32::MIN, i32::MAX);
    let far: Padding = [(most, most), (0, 0)].into();
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("unflatten", x.unflatten(0, [-1, 0])),
        ("unflatten", empty.unflatten(0, [-1, 0])),
        ("unflatten", empty.unflatten(0, [0, -1])),
        ("unflatten", x.unflatten(0, [-1, -1])),
        ("unflatten", x.unflatten(0, [-3, -1])),
        ("unflatten", x.unflatten(0, [-3, -2])),
        ("unflatten", x.unflatten(0, [2, -1])),
        ("unflatten", x.unflatten(0, [most, most, most, most])),
        ("unflatten", x.unflatten(0, [])),
        ("unflatten", x.unflatten(5, [3])),
        ("unflatten", x.unflatten(least, [3])),
        ("unflatten", scalar.unflatten(0, [1])),
        ("pad", x.pad(-1, 0)),
        ("pad", x.pad(most, 0)),
        ("pad", x.pad(far, 0)),
        ("pad", x.pad([(1, 1)], 0)),
        ("pad", x.pad(1, counting(&[2])?)),
        ("pad", x.pad(1, zeros(&[0], Dtype::I32))),
        ("pad_mode", empty.pad_mode(1, PadMode::Reflect)),
        ("pad_mode", empty.pad_mode(1, PadMode::Symmetric)),
        ("pad_mode", x.pad_mode((0, most - 3), PadMode::Reflect)),
        ("pad_mode", x.pad_mode((0, 1 << 20), PadMode::Symmetric)),
        ("unstack", zeros(&[1 << 30, 0], Dtype::F32).unstack(0).map(|_| empty.clone())),
        ("split", empty.split(most, 0).map(|_| empty.clone())),
        ("roll", x.roll(1, 5)),
        ("roll", x.roll([1, 2], 0)),
        ("roll", x.roll([1, 2, 3], [0, 1])),
        ("roll", x.roll([], [0, 1])),
        ("roll", x.roll([1, 2], ..)),
        ("repeat", x.repeat(-1, ..)),
        ("repeat", x.repeat(most, 0)),
        ("repeat", x.repeat(2, [0, 1])),
        ("t", counting(&[3])?.t()),
        ("unstack", x.unstack(2).map(|list| list[0].clone())),
        ("unstack", scalar.unstack(0).map(|list| list[0].clone())),
        ("number_of_elements", x.number_of_elements(2, Dtype::I32)),
        ("number_of_elements", x.number_of_elements(least, Dtype::I32)),
        ("diff", x.diff(-1, 0)),
        ("diff", scalar.diff(1, 0)),
    ];
    for (name, result) in cases {
        let kind = result.as_ref().map_err(mlx::Error::kind);
        assert_eq!(kind.err(), Some(ErrorKind::InvalidArgument), "{name}: {result:?}");
    }
    Ok(())
}
