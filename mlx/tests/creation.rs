//! Arrays from nothing, against plain loops.

use mlx::{
    Array, Complex32, Dtype, ErrorKind, Result, arange, bartlett, blackman, broadcast_arrays, eye, full,
    hamming, hanning, identity, linspace, matrix, meshgrid, ops::Grid, tri,
};

const DIAGONALS: [i32; 11] = [i32::MIN, -9, -3, -2, -1, 0, 1, 2, 4, 9, i32::MAX];

fn vector(values: &[i32]) -> Array {
    Array::from_slice(values, &[values.len() as i32])
}

fn counting(shape: &[i32]) -> Result<Array> {
    arange(0.0, shape.iter().product::<i32>().into(), 1.0, Dtype::I32)?.reshape(shape)
}

/// A matrix of ones where `is_one(row, column)`.
fn mask(rows: i32, columns: i32, is_one: impl Fn(i64, i64) -> bool) -> Vec<i32> {
    let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
    places.map(|(i, j)| is_one(i.into(), j.into()).into()).collect()
}

#[test]
fn matrices_with_ones_at_a_diagonal() -> Result<()> {
    for (rows, columns) in [(0, 0), (0, 3), (1, 1), (3, 3), (2, 4), (4, 2)] {
        for k in DIAGONALS {
            let (size, k64) = (matrix([rows, columns]).diagonal(k), i64::from(k));
            let (eye, tri) = (eye(size, Dtype::I32), tri(size, Dtype::I32));
            assert_eq!(eye.shape()?, [rows, columns]);
            assert_eq!(eye.to_vec::<i32>()?, mask(rows, columns, |i, j| j - i == k64), "eye {size:?}");
            assert_eq!(tri.to_vec::<i32>()?, mask(rows, columns, |i, j| j - i <= k64), "tri {size:?}");
        }
    }
    assert_eq!(identity(3, Dtype::U8).to_vec::<u8>()?, [1, 0, 0, 0, 1, 0, 0, 0, 1]);
    assert_eq!(eye(2, Dtype::Bool).to_vec::<bool>()?, [true, false, false, true]);
    assert_eq!(tri(2, Dtype::C64).to_vec::<Complex32>()?, [1.0, 0.0, 1.0, 1.0].map(Complex32::from));
    Ok(())
}

#[test]
fn diagonals_of_matrices_and_vectors() -> Result<()> {
    let (rows, columns) = (3i64, 4i64);
    let x = counting(&[3, 4])?;
    for k in DIAGONALS {
        let on = |i: i64| (0..columns).contains(&(i + i64::from(k)));
        let expected: Vec<i32> =
            (0..rows).filter(|&i| on(i)).map(|i| (i * columns + i + i64::from(k)) as i32).collect();
        assert_eq!(x.diag(k)?.to_vec::<i32>()?, expected, "diag {k}");
        assert_eq!(x.diagonal(k, [0, 1])?.to_vec::<i32>()?, expected, "diagonal {k}");
        let kept = |is_kept: fn(i64, i64) -> bool| -> Vec<i32> {
            let places = (0..rows).flat_map(|i| (0..columns).map(move |j| (i, j)));
            places.map(|(i, j)| if is_kept(j - i, k.into()) { (i * columns + j) as i32 } else { 0 }).collect()
        };
        assert_eq!(x.tril(k)?.to_vec::<i32>()?, kept(|offset, k| offset <= k), "tril {k}");
        assert_eq!(x.triu(k)?.to_vec::<i32>()?, kept(|offset, k| offset >= k), "triu {k}");
        assert_eq!(x.t()?.diagonal(k, [-1, -2])?.to_vec::<i32>()?, expected, "diagonal {k} of the transpose");
        assert_eq!(x.trace(k, [0, 1])?.item::<i32>()?, expected.iter().sum::<i32>(), "trace {k}");
    }
    assert_eq!(vector(&[5, 6]).diag(1)?.to_vec::<i32>()?, [0, 5, 0, 0, 0, 6, 0, 0, 0]);
    assert_eq!(vector(&[5, 6]).diag(-1)?.to_vec::<i32>()?, [0, 0, 0, 5, 0, 0, 0, 6, 0]);
    assert_eq!(counting(&[2, 2, 3])?.diagonal(0, [0, 1])?.to_vec::<i32>()?, [0, 9, 1, 10, 2, 11]);
    assert_eq!(counting(&[2, 2, 3])?.trace(0, [0, 1])?.to_vec::<i32>()?, [9, 11, 13]);
    Ok(())
}

#[test]
fn windows_are_their_formulas() -> Result<()> {
    use std::f64::consts::PI;
    type Window = (fn(i32) -> Array, fn(f64) -> f64);
    // Each over 0 (the first point) to 1 (the last).
    let windows: [Window; 4] = [
        (bartlett, |t| 1.0 - (2.0 * t - 1.0).abs()),
        (blackman, |t| 0.42 - 0.5 * (2.0 * PI * t).cos() + 0.08 * (4.0 * PI * t).cos()),
        (hamming, |t| 0.54 - 0.46 * (2.0 * PI * t).cos()),
        (hanning, |t| 0.5 - 0.5 * (2.0 * PI * t).cos()),
    ];
    for (window, formula) in windows {
        assert_eq!(window(0).shape()?, [0]);
        assert_eq!(window(1).to_vec::<f32>()?, [1.0]);
        for count in [2, 3, 8, 33] {
            for (n, found) in window(count).to_vec::<f32>()?.into_iter().enumerate() {
                let expected = formula(n as f64 / f64::from(count - 1));
                assert!(
                    (f64::from(found) - expected).abs() < 1e-5,
                    "{n} of {count}: {found}, not {expected}"
                );
            }
        }
        for count in [-1, i32::MIN] {
            assert!(window(count).shape().is_err_and(|e| e.kind() == ErrorKind::InvalidArgument));
        }
    }
    Ok(())
}

#[test]
fn ranges() -> Result<()> {
    for (found, expected) in [
        (linspace(1.0..=3.0, 5, Dtype::F32)?, &[1.0f32, 1.5, 2.0, 2.5, 3.0][..]),
        (linspace(1.0..3.0, 4, Dtype::F32)?, &[1.0, 1.5, 2.0, 2.5]),
        (linspace(2.0..=-2.0, 3, Dtype::F16)?, &[2.0, 0.0, -2.0]),
        (linspace(4.0..=5.0, 1, Dtype::F32)?, &[4.0]),
        (linspace(4.0..=5.0, 0, Dtype::F32)?, &[]),
        (arange(5.0, 0.0, -2.0, Dtype::F32)?, &[5.0, 3.0, 1.0]),
        (arange(5.0, 0.0, 2.0, Dtype::F32)?, &[]),
    ] {
        assert_eq!(found.to_vec::<f32>()?, expected);
    }
    Ok(())
}

#[test]
fn in_the_likeness_of_another() -> Result<()> {
    for dtype in [Dtype::Bool, Dtype::I8, Dtype::U64, Dtype::Bf16, Dtype::C64] {
        let x = full(&[2, 3], 2, dtype);
        for (like, value) in [(x.zeros_like()?, 0), (x.ones_like()?, 1), (x.full_like(true)?, 1)] {
            assert_eq!((like.shape()?, like.dtype()?), (&[2, 3][..], dtype));
            assert_eq!(like.astype(Dtype::I32)?.to_vec::<i32>()?, [value; 6]);
        }
    }
    let x = counting(&[2, 3])?;
    assert_eq!(x.full_like(vector(&[7, 8, 9]))?.to_vec::<i32>()?, [7, 8, 9, 7, 8, 9]);
    assert!(x.full_like(vector(&[7, 8])).is_err());
    Ok(())
}

#[test]
fn grids_of_coordinates() -> Result<()> {
    let coordinates = [vector(&[1, 2, 3]), vector(&[10, 20]), vector(&[100, 200])];
    let list: Vec<&Array> = coordinates.iter().collect();
    for (grid, swapped) in [(Grid::IJ, false), (Grid::XY, true)] {
        let (dense, sparse) = (meshgrid(&list, grid)?, meshgrid(&list, grid.sparse())?);
        let shape = if swapped { [2, 3, 2] } else { [3, 2, 2] };
        for (n, (dense, sparse)) in dense.iter().zip(&sparse).enumerate() {
            assert_eq!(dense.shape()?, shape);
            let axis = if swapped && n < 2 { 1 - n } else { n };
            let mut thin = [1; 3];
            thin[axis] = shape[axis];
            assert_eq!(sparse.shape()?, thin);
            let expected = coordinates[n].reshape(thin)?.broadcast_to(shape)?.to_vec::<i32>()?;
            assert_eq!(dense.to_vec::<i32>()?, expected, "coordinate {n} of {grid:?}");
            assert_eq!(sparse.broadcast_to(shape)?.to_vec::<i32>()?, expected);
        }
    }
    assert!(meshgrid(&[] as &[Array], Grid::XY)?.is_empty());
    Ok(())
}

#[test]
fn senseless_or_overflowing_arguments_are_errors() -> Result<()> {
    let (x, v, scalar) = (counting(&[3, 4])?, vector(&[1, 2, 3]), Array::scalar(1));
    let long = mlx::zeros(&[1 << 20], Dtype::F32);
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("eye", Ok(eye(-1, Dtype::F32))),
        ("eye", Ok(eye([3, -1], Dtype::F32))),
        ("eye", Ok(eye([i32::MAX, i32::MAX], Dtype::F64))),
        ("tri", Ok(tri([-1, 3], Dtype::F32))),
        ("identity", Ok(identity(-2, Dtype::F32))),
        ("diag", v.diag(i32::MIN)),
        ("diag", v.diag(i32::MAX)),
        ("diag", v.diag(1 << 30)),
        ("diag", scalar.diag(0)),
        ("tril", v.tril(0)),
        ("triu", scalar.triu(i32::MIN)),
        ("diag", counting(&[1, 2, 2])?.diag(0)),
        ("diagonal", x.diagonal(0, [0, 0])),
        ("diagonal", x.diagonal(0, [0, 7])),
        ("diagonal", scalar.diagonal(0, [0, 1])),
        ("trace", x.trace(0, [i32::MIN, 1])),
        ("linspace", linspace(0.0..=1.0, -1, Dtype::F32)),
        ("arange", arange(0.0, 5.0, 0.0, Dtype::I32)),
        ("arange", arange(0.0, f64::NAN, 1.0, Dtype::F32)),
        ("full", Ok(full(&[2], vector(&[1, 2, 3]), Dtype::F32))),
        ("meshgrid", meshgrid(&[&long, &long, &long, &long], Grid::IJ).map(|grids| grids[0].clone())),
        ("broadcast_arrays", {
            let thin = [[-1, 1, 1, 1], [1, -1, 1, 1], [1, 1, -1, 1]].map(|shape| long.reshape(shape));
            let [a, b, c] = thin;
            broadcast_arrays(&[&a?, &b?, &c?]).map(|arrays| arrays[0].clone())
        }),
    ];
    for (name, result) in cases {
        let error = result.and_then(|array| array.shape().map(<[i32]>::to_vec));
        assert!(error.as_ref().is_err_and(|e| e.kind() == ErrorKind::InvalidArgument), "{name}: {error:?}");
    }
    Ok(())
}
