//! Factorizations multiplied together again, and everything against f64 sums.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Device, Dtype, Result, Stream, axes, eye,
    linalg::{self, Norm, Triangle},
    ones, random, with_stream, zeros,
};

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

/// The largest difference between two arrays of one shape; NaN counts as infinite.
fn distance(a: &Array, b: &Array) -> f64 {
    assert_eq!(a.shape().unwrap(), b.shape().unwrap());
    let (a, b) = (a.to_vec::<f64>().unwrap(), b.to_vec::<f64>().unwrap());
    let differences = a.iter().zip(&b).map(|(x, y)| if x == y { 0.0 } else { (x - y).abs() });
    differences.fold(0.0, |most, d| {
        if d <= most {
            most
        } else if d.is_nan() {
            f64::INFINITY
        } else {
            d
        }
    })
}

fn identity(shape: &[i32]) -> Array {
    let size = *shape.last().unwrap();
    eye(size, Dtype::F32).broadcast_to(shape).unwrap()
}

/// Shapes of any matrices, and of square ones.
const SHAPES: [&[i32]; 6] = [&[1, 1], &[4, 4], &[5, 3], &[3, 5], &[2, 3, 3], &[2, 2, 4, 2]];
const SQUARES: [&[i32]; 4] = [&[1, 1], &[4, 4], &[2, 3, 3], &[2, 1, 5, 5]];

/// Symmetric and positive definite.
fn definite(shape: &[i32], seed: u64) -> Array {
    let x = normal(shape, seed);
    x.matmul(&x.t().unwrap()).unwrap() + identity(shape) * 0.5
}

#[test]
fn factors_multiply_to_the_matrix() -> Result<()> {
    for (seed, shape) in SHAPES.into_iter().enumerate() {
        let a = normal(shape, seed as u64);
        let (q, r) = linalg::qr(&a)?;
        assert!(distance(&q.matmul(&r)?, &a) < 1e-5, "qr {shape:?}");
        assert!(distance(&r.triu(0)?, &r) == 0.0, "qr {shape:?}");
        let gram = q.t()?.matmul(&q)?;
        assert!(distance(&gram, &identity(gram.shape()?)) < 1e-5, "qr {shape:?}");

        let (u, s, vt) = linalg::svd(&a)?;
        let k = s.dim(-1)?;
        let (left, right) = (u.split_at(&[k], -1)?.remove(0), vt.split_at(&[k], -2)?.remove(0));
        let scaled = &left * s.expand_dims(-2)?;
        assert!(distance(&scaled.matmul(&right)?, &a) < 1e-5, "svd {shape:?}");
        assert!(distance(&u.matmul(&u.t()?)?, &identity(u.shape()?)) < 1e-5, "svd {shape:?}");
        assert!(distance(&linalg::svdvals(&a)?, &s) < 1e-5, "svd {shape:?}");

        let (p, l, u) = linalg::lu(&a)?;
        let product = l.matmul(&u)?.take_along_axis(&p.expand_dims(-1)?.broadcast_to(shape)?, -2)?;
        assert!(distance(&product, &a) < 1e-5, "lu {shape:?}");
        let (packed, pivots) = linalg::lu_factor(&a)?;
        assert_eq!((packed.shape()?, pivots.dtype()?), (shape, Dtype::U32));

        let inverse = linalg::pinv(&a)?;
        assert!(distance(&a.matmul(&inverse)?.matmul(&a)?, &a) < 1e-4, "pinv {shape:?}");
    }
    Ok(())
}

#[test]
fn inverses_and_solutions() -> Result<()> {
    for (seed, shape) in SQUARES.into_iter().enumerate() {
        let a = definite(shape, seed as u64);
        let one = identity(shape);
        assert!(distance(&linalg::inv(&a)?.matmul(&a)?, &one) < 1e-3, "inv {shape:?}");
        for triangle in [Triangle::Lower, Triangle::Upper] {
            let factor = linalg::cholesky(&a, triangle)?;
            let product = match triangle {
                Triangle::Lower => factor.matmul(&factor.t()?)?,
                Triangle::Upper => factor.t()?.matmul(&factor)?,
            };
            assert!(distance(&product, &a) < 1e-4, "cholesky {shape:?}");
            assert!(
                distance(&linalg::cholesky_inv(&factor, triangle)?.matmul(&a)?, &one) < 1e-3,
                "{shape:?}"
            );
            assert!(
                distance(&linalg::tri_inv(&factor, triangle)?.matmul(&factor)?, &one) < 1e-4,
                "{shape:?}"
            );
            let b = normal(&[&shape[..shape.len() - 1], &[2]].concat(), 7);
            let x = linalg::solve_triangular(&factor, &b, triangle)?;
            assert!(distance(&factor.matmul(&x)?, &b) < 1e-3, "solve_triangular {shape:?}");
        }
        // A vector, or one right side for all matrices, or one matrix for all right sides.
        let n = shape[shape.len() - 1];
        for b in [normal(&[n], 8), normal(&[n, 2], 9), normal(&[2, 1, n, 3], 10)] {
            let (x, vector) = (linalg::solve(&a, &b), b.ndim()? == 1);
            let (x, b) = (x?, if vector { b.expand_dims(-1)? } else { b });
            let x = if vector { x.expand_dims(-1)? } else { x };
            let product = a.matmul(&x)?;
            assert!(distance(&product, &b.broadcast_to(product.shape()?)?) < 1e-3, "solve {shape:?}");
        }
    }
    Ok(())
}

/// The determinant by its rows: the definition.
fn determinant(a: &[Vec<f64>]) -> f64 {
    let Some((first, rest)) = a.split_first() else { return 1.0 };
    let minor = |skip: usize| -> Vec<Vec<f64>> {
        let without = |row: &Vec<f64>| [&row[..skip], &row[skip + 1..]].concat();
        rest.iter().map(without).collect()
    };
    first
        .iter()
        .enumerate()
        .map(|(j, x)| if j % 2 == 0 { 1.0 } else { -1.0 } * x * determinant(&minor(j)))
        .sum()
}

#[test]
fn determinants() -> Result<()> {
    for n in 1..=5 {
        let a = normal(&[3, n, n], n as u64);
        let data = a.to_vec::<f64>()?;
        let size = n as usize;
        let expected: Vec<f64> = (data.chunks(size * size))
            .map(|matrix| determinant(&matrix.chunks(size).map(<[f64]>::to_vec).collect::<Vec<_>>()))
            .collect();
        let (sign, log) = linalg::slogdet(&a)?;
        let (det, sign, log) =
            (linalg::det(&a)?.to_vec::<f64>()?, sign.to_vec::<f64>()?, log.to_vec::<f64>()?);
        for (i, expected) in expected.iter().enumerate() {
            assert!(
                (det[i] - expected).abs() < 1e-4 * expected.abs().max(1.0),
                "{det:?}, expected {expected}"
            );
            assert!((sign[i] * log[i].exp() - expected).abs() < 1e-4 * expected.abs().max(1.0));
        }
    }
    assert_eq!(linalg::det(&zeros(&[0, 0], Dtype::F32))?.item::<f32>()?, 1.0);
    Ok(())
}

#[test]
fn eigenvalues() -> Result<()> {
    for (seed, shape) in SQUARES.into_iter().enumerate() {
        let a = definite(shape, seed as u64);
        for triangle in [Triangle::Lower, Triangle::Upper] {
            // The other triangle is not read.
            let half = if triangle == Triangle::Lower { a.tril(0)? } else { a.triu(0)? };
            let (values, vectors) = linalg::eigh(&half, triangle)?;
            assert!(
                distance(&a.matmul(&vectors)?, &(&vectors * values.expand_dims(-2)?)) < 1e-3,
                "{shape:?}"
            );
            assert!(distance(&vectors.t()?.matmul(&vectors)?, &identity(shape)) < 1e-4, "{shape:?}");
            assert!(distance(&values.sort(-1)?, &values) == 0.0, "{shape:?}");
            assert!(distance(&linalg::eigvalsh(&half, triangle)?, &values) < 1e-4, "{shape:?}");
        }
        let a = normal(shape, seed as u64);
        let (values, vectors) = linalg::eig(&a)?;
        assert_eq!((values.dtype()?, vectors.dtype()?), (Dtype::C64, Dtype::C64));
        let residual = a.astype(Dtype::C64)?.matmul(&vectors)? - &vectors * values.expand_dims(-2)?;
        assert!(residual.abs()?.max(..)?.item::<f32>()? < 1e-4, "{shape:?}");
        let trace = (&a * identity(shape)).sum([-2, -1])?.astype(Dtype::C64)?;
        assert!((linalg::eigvals(&a)?.sum(-1)? - trace).abs()?.max(..)?.item::<f32>()? < 1e-4, "{shape:?}");
    }
    Ok(())
}

#[test]
fn doubles_stay_doubles() -> Result<()> {
    // A GPU has none.
    with_stream(&Stream::default_of(Device::Cpu)?, || {
        let a = definite(&[3, 3], 0).astype(Dtype::F64)?;
        let product = linalg::inv(&a)?.matmul(&a)?;
        assert_eq!(product.dtype()?, Dtype::F64);
        assert!(distance(&product, &eye(3, Dtype::F64)) < 1e-12);
        assert_eq!(linalg::svdvals(&a)?.dtype()?, Dtype::F64);
        Ok(())
    })
}

#[test]
fn norms() -> Result<()> {
    let x = normal(&[3, 4], 0);
    let rows: Vec<Vec<f64>> = x.to_vec::<f64>()?.chunks(4).map(<[f64]>::to_vec).collect();
    let close = |found: Array, expected: &[f64], what: &str| {
        let found = found.to_vec::<f64>().unwrap();
        assert_eq!(found.len(), expected.len(), "{what}");
        let near = found.iter().zip(expected).all(|(x, y)| (x - y).abs() < 1e-5 * y.abs().max(1.0));
        assert!(near, "{what}: {found:?}, expected {expected:?}");
    };
    let each = |f: &dyn Fn(&[f64]) -> f64| rows.iter().map(|row| f(row)).collect::<Vec<f64>>();
    let power = |p: f64| move |row: &[f64]| row.iter().map(|x| x.abs().powf(p)).sum::<f64>().powf(1.0 / p);
    for p in [1.0, 2.0, 3.0, 0.5, -1.0, -2.0] {
        close(linalg::norm(&x, p, -1)?, &each(&power(p)), &format!("order {p}"));
    }
    let most = |row: &[f64]| row.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
    let least = |row: &[f64]| row.iter().fold(f64::INFINITY, |m: f64, x| m.min(x.abs()));
    close(linalg::norm(&x, f64::INFINITY, -1)?, &each(&most), "inf");
    close(linalg::norm(&x, f64::NEG_INFINITY, -1)?, &each(&least), "-inf");
    close(linalg::norm(&x, 0, 1)?, &[4.0; 3], "0");
    let whole = power(2.0)(&rows.concat());
    for norm in [Norm::Euclidean, Norm::Frobenius] {
        close(linalg::norm(&x, norm, [0, 1])?, &[whole], "matrix");
        close(linalg::norm(&x, norm, ..)?, &[whole], "all");
    }
    close(
        linalg::norm(&normal(&[2, 3, 2], 1), Norm::Euclidean, ..)?,
        &[power(2.0)(&normal(&[12], 1).to_vec()?)],
        "3",
    );
    let sums = each(&power(1.0));
    close(linalg::norm(&x, f64::INFINITY, ..)?, &[most(&sums)], "rows");
    let columns = linalg::norm(&x.t()?, 1, axes([-2, -1]).keep())?;
    assert_eq!(columns.shape()?, [1, 1]);
    close(columns, &[most(&sums)], "columns");
    let s = linalg::svdvals(&x)?.to_vec::<f64>()?;
    close(linalg::norm(&x, 2, ..)?, &[s[0]], "largest");
    close(linalg::norm(&x, -2, ..)?, &[s[2]], "smallest");
    close(linalg::norm(&x, Norm::Nuclear, [1, 0])?, &[s.iter().sum()], "nuclear");
    let batch = mlx::stack(&[&x, &(&x * 2.0)], 0)?;
    let nuclear = linalg::norm(&batch, Norm::Nuclear, axes([1, 2]).keep())?;
    assert_eq!(nuclear.shape()?, [2, 1, 1]);
    close(nuclear, &[s.iter().sum(), 2.0 * s.iter().sum::<f64>()], "batch");
    Ok(())
}

#[test]
fn cross_products() -> Result<()> {
    let (a, b) = (normal(&[4, 3], 0), normal(&[3], 1));
    let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let expected: Vec<f64> = (x.chunks(3))
        .flat_map(|x| (0..3).map(|i| x[(i + 1) % 3] * y[(i + 2) % 3] - x[(i + 2) % 3] * y[(i + 1) % 3]))
        .collect();
    let found = linalg::cross(&a, &b, -1)?;
    assert!(distance(&found, &Array::from_slice(&expected, &[4, 3])) < 1e-5);
    Ok(())
}

#[test]
fn what_is_not_finite_gives_nan() -> Result<()> {
    type Function = (&'static str, fn(&Array) -> Result<Array>);
    let functions: &[Function] = &[
        ("svd", |a| Ok(linalg::svd(a)?.0)),
        ("svdvals", linalg::svdvals),
        ("pinv", linalg::pinv),
        ("eig", |a| linalg::eig(a)?.1.abs()),
        ("eigvals", |a| linalg::eigvals(a)?.abs()),
        ("eigh", |a| Ok(linalg::eigh(a, Triangle::Lower)?.1)),
        ("eigvalsh", |a| linalg::eigvalsh(a, Triangle::Upper)),
        ("norm", |a| linalg::norm(a, 2, axes([-2, -1]).keep())),
        ("norm", |a| linalg::norm(a, Norm::Nuclear, [-2, -1])),
    ];
    let good = definite(&[5, 5], 0);
    for odd in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY] {
        let all = good.multiply(odd)?;
        let one = good.set_at((1, 3), odd)?;
        let batch = mlx::stack(&[&good, &all, &one, &good], 0)?;
        for (name, function) in functions {
            let found = function(&batch)?.reshape([4, -1])?;
            let nan = found.isnan()?;
            let (some, every) = (nan.any(-1)?.to_vec::<bool>()?, nan.all(-1)?.to_vec::<bool>()?);
            assert_eq!(some, [false, true, true, false], "{name} of {odd}");
            assert_eq!(every, some, "{name} of {odd}");
        }
        // These have rules of their own, and must only come back.
        for result in [linalg::inv(&batch), linalg::cholesky(&batch, Triangle::Lower), linalg::det(&batch)] {
            let _either = result.and_then(|y| y.eval());
        }
        let (q, _) = linalg::qr(&batch)?;
        let (p, ..) = linalg::lu(&batch)?;
        assert!(q.eval().is_ok() && p.to_vec::<u32>()?.iter().all(|&row| row < 5));
    }
    Ok(())
}

#[test]
fn singular_matrices_fail_when_evaluated() -> Result<()> {
    let singular = ones(&[3, 3], Dtype::F32);
    let nothing = zeros(&[3, 3], Dtype::F32);
    for lazy in [
        linalg::inv(&singular)?,
        linalg::solve(&singular, &ones(&[3], Dtype::F32))?,
        linalg::tri_inv(&nothing, Triangle::Lower)?,
        linalg::solve_triangular(&nothing, &ones(&[3], Dtype::F32), Triangle::Upper)?,
        linalg::cholesky_inv(&nothing, Triangle::Lower)?,
    ] {
        assert!(lazy.eval().is_err());
        assert!(lazy.to_vec::<f32>().is_err(), "the second read gives memory that was never written");
    }
    Ok(())
}

#[test]
fn senseless_matrices_are_errors() {
    type Function = (&'static str, fn(&Array) -> Result<Array>);
    let f = |shape: &[i32]| ones(shape, Dtype::F32);
    let any: &[Function] = &[
        ("qr", |a| Ok(linalg::qr(a)?.0)),
        ("svd", |a| Ok(linalg::svd(a)?.0)),
        ("svdvals", linalg::svdvals),
        ("pinv", linalg::pinv),
        ("lu", |a| Ok(linalg::lu(a)?.0)),
        ("lu_factor", |a| Ok(linalg::lu_factor(a)?.0)),
    ];
    let square: &[Function] = &[
        ("inv", linalg::inv),
        ("tri_inv", |a| linalg::tri_inv(a, Triangle::Lower)),
        ("cholesky", |a| linalg::cholesky(a, Triangle::Upper)),
        ("cholesky_inv", |a| linalg::cholesky_inv(a, Triangle::Upper)),
        ("eig", |a| Ok(linalg::eig(a)?.0)),
        ("eigvals", linalg::eigvals),
        ("eigh", |a| Ok(linalg::eigh(a, Triangle::Lower)?.0)),
        ("eigvalsh", |a| linalg::eigvalsh(a, Triangle::Lower)),
        ("solve", |a| linalg::solve(a, &ones(&[3], Dtype::F32))),
        ("solve_triangular", |a| linalg::solve_triangular(a, &ones(&[3], Dtype::F32), Triangle::Lower)),
    ];
    let not_matrices = [f(&[]), f(&[3]), &f(&[2]) + &f(&[3])];
    let wrong_types = [Dtype::I32, Dtype::F16, Dtype::Bf16, Dtype::Bool].map(|dtype| ones(&[3, 3], dtype));
    for (name, function) in any.iter().chain(square) {
        for a in not_matrices.iter().chain(&wrong_types) {
            assert!(function(a).is_err(), "{name} of {a:?}");
        }
    }
    for (name, function) in square.iter().chain(&[("det", linalg::det as fn(&Array) -> Result<Array>)]) {
        for a in [f(&[3]), f(&[2, 3]), f(&[3, 2]), f(&[2, 0, 3]), f(&[3, 0])] {
            assert!(function(&a).is_err(), "{name} of {a:?}");
        }
    }
    // Empty matrices, and empty batches, are answered or refused.
    for shape in [&[0, 0][..], &[3, 0], &[0, 3], &[0, 3, 3], &[2, 0, 0]] {
        for (_, function) in any.iter().chain(square) {
            let _either = function(&f(shape)).and_then(|y| y.eval());
        }
    }
    for b in [f(&[]), f(&[2]), f(&[0]), f(&[2, 2]), f(&[5, 3, 1]), ones(&[3], Dtype::C64)] {
        let a = identity(&[2, 3, 3]);
        assert!(linalg::solve(&a, &b).is_err(), "{b:?}");
        assert!(linalg::solve_triangular(&a, &b, Triangle::Lower).is_err(), "{b:?}");
    }
}

#[test]
fn senseless_norms_and_products_are_errors() {
    let f = |shape: &[i32]| ones(shape, Dtype::F32);
    let x = f(&[2, 3, 3]);
    for (name, result) in [
        ("axis", linalg::norm(&x, 2, 3)),
        ("axis", linalg::norm(&x, 2, i32::MIN)),
        ("twice", linalg::norm(&x, 1, [0, 0])),
        ("twice", linalg::norm(&x, 1, [1, -2])),
        ("three", linalg::norm(&x, Norm::Euclidean, [0, 1, 2])),
        ("none", linalg::norm(&x, 2, [0; 0])),
        ("all", linalg::norm(&x, 2, ..)),
        ("nuclear", linalg::norm(&x, Norm::Nuclear, 0)),
        ("frobenius", linalg::norm(&f(&[3]), Norm::Frobenius, ..)),
        ("nan", linalg::norm(&x, f64::NAN, 0)),
        ("order", linalg::norm(&x, 3, [0, 1])),
        ("scalar", linalg::norm(&f(&[]), 2, ..)),
        ("empty", linalg::norm(&f(&[0]), f64::INFINITY, ..)),
        ("empty", linalg::norm(&f(&[0, 3]), 2, ..)),
        ("cross", linalg::cross(&f(&[4]), &f(&[3]), -1)),
        ("cross", linalg::cross(&f(&[3]), &f(&[3]), 1)),
        ("cross", linalg::cross(&f(&[3]), &f(&[3]), i32::MIN)),
        ("cross", linalg::cross(&f(&[]), &f(&[]), -1)),
        ("cross", linalg::cross(&f(&[0]), &f(&[0]), 0)),
        ("cross", linalg::cross(&f(&[5, 3]), &f(&[4, 3]), -1)),
    ] {
        assert!(result.is_err(), "{name} gave {result:?}");
    }
}
