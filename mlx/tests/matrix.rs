//! Products of matrices against sums in f64.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{
    Array, Dtype, Result, ones,
    ops::{BlockMasks, Gather},
    random, zeros,
};

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

fn assert_near(found: &Array, expected: &[f64], what: &str) {
    let found = found.to_vec::<f64>().unwrap();
    assert_eq!(found.len(), expected.len(), "{what}");
    for (i, (x, y)) in found.iter().zip(expected).enumerate() {
        assert!((x - y).abs() < 1e-4 * y.abs().max(1.0), "{what}: element {i} is {x}, expected {y}");
    }
}

/// `[m, k] @ [k, n]`, row-major.
fn product(a: &[f64], b: &[f64], k: usize, n: usize) -> Vec<f64> {
    let rows = a.chunks(k.max(1)).flat_map(|row| {
        (0..n).map(move |j| row.iter().enumerate().map(|(i, x)| x * b[i * n + j]).sum::<f64>())
    });
    rows.collect()
}

fn indices(list: &[i64], dtype: Dtype) -> Array {
    Array::from_slice(list, &[list.len() as i32]).astype(dtype).unwrap()
}

#[test]
fn products_with_a_sum() -> Result<()> {
    for (seed, (m, k, n)) in [(1, 1, 1), (3, 4, 5), (7, 2, 6), (1, 9, 3)].into_iter().enumerate() {
        let (a, b, c) = (
            normal(&[m, k], seed as u64),
            normal(&[k, n], 10 + seed as u64),
            normal(&[m, n], 20 + seed as u64),
        );
        let dot = product(&a.to_vec()?, &b.to_vec()?, k as usize, n as usize);
        for (alpha, beta) in [(1.0f32, 1.0f32), (0.5, -2.0), (0.0, 3.0), (2.0, 0.0)] {
            let expected: Vec<f64> = (dot.iter().zip(c.to_vec::<f64>()?))
                .map(|(x, y)| f64::from(alpha) * x + f64::from(beta) * y)
                .collect();
            assert_near(&c.addmm_scaled(&a, &b, alpha, beta)?, &expected, &format!("{alpha} {beta}"));
            if (alpha, beta) == (1.0, 1.0) {
                assert_near(&c.addmm(&a, &b)?, &expected, "addmm");
            }
        }
    }
    Ok(())
}

#[test]
fn sums_over_axes() -> Result<()> {
    let (a, b) = (normal(&[2, 3, 4], 0), normal(&[4, 3, 5], 1));
    let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let mut by_one = vec![0.0; 2 * 3 * 3 * 5];
    let mut by_two = vec![0.0; 2 * 5];
    let at = |i: usize, j: usize, k: usize| x[(i * 3 + j) * 4 + k];
    for (i, j, k) in (0..2).flat_map(|i| (0..3).flat_map(move |j| (0..4).map(move |k| (i, j, k)))) {
        for (l, m) in (0..3).flat_map(|l| (0..5).map(move |m| (l, m))) {
            let term = at(i, j, k) * y[(k * 3 + l) * 5 + m];
            by_one[((i * 3 + j) * 3 + l) * 5 + m] += term;
            if j == l {
                by_two[i * 5 + m] += term;
            }
        }
    }
    assert_near(&a.tensordot(&b, 1)?, &by_one, "tensordot");
    assert_near(&a.tensordot(&b, ([2], [0]))?, &by_one, "tensordot");
    assert_near(&a.tensordot(&b, ([1, 2], [1, 0]))?, &by_two, "tensordot");
    assert_near(&a.tensordot(&b, ([-1, -2], [-3, -2]))?, &by_two, "tensordot");
    assert_eq!(a.tensordot(&b, 0)?.shape()?, [2, 3, 4, 4, 3, 5]);

    let b = normal(&[1, 3, 4], 2);
    let y = b.to_vec::<f64>()?;
    let dot = |i: usize, j: usize| (0..4).map(|k| at(i, j, k) * y[j * 4 + k]).sum::<f64>();
    let expected: Vec<f64> = (0..6).map(|r| dot(r / 3, r % 3)).collect();
    assert_near(&a.vecdot(&b, -1)?, &expected, "vecdot");
    Ok(())
}

#[test]
fn kronecker_products() -> Result<()> {
    let (a, b) = (normal(&[2, 3], 0), normal(&[4, 2], 1));
    let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let expected: Vec<f64> = (0..8 * 6)
        .map(|place| {
            let (row, column) = (place / 6, place % 6);
            x[row / 4 * 3 + column / 2] * y[row % 4 * 2 + column % 2]
        })
        .collect();
    assert_near(&a.kron(&b)?, &expected, "kron");
    assert_eq!(a.kron(&b)?.shape()?, [8, 6]);
    Ok(())
}

#[test]
fn hadamard_transforms() -> Result<()> {
    for k in 0..6 {
        let n = 1usize << k;
        let x = normal(&[3, n as i32], k);
        let rows = x.to_vec::<f64>()?;
        let sign = |i: usize, j: usize| if (i & j).count_ones().is_multiple_of(2) { 1.0 } else { -1.0 };
        let expected: Vec<f64> = (0..3 * n)
            .map(|place| (0..n).map(|j| sign(place % n, j) * rows[place / n * n + j]).sum())
            .collect();
        assert_near(&x.hadamard_transform_scaled(1.0)?, &expected, "hadamard");
        let orthonormal: Vec<f64> = expected.iter().map(|y| y / (n as f64).sqrt()).collect();
        assert_near(&x.hadamard_transform()?, &orthonormal, "hadamard");
    }
    for n in [12, 20, 24, 28] {
        // Rows of an orthonormal transform keep their length.
        let x = normal(&[2, n], 9);
        let (before, after) = (x.square()?.sum(-1)?, x.hadamard_transform()?.square()?.sum(-1)?);
        assert_near(&after, &before.to_vec()?, "length");
    }
    Ok(())
}

#[test]
fn products_of_picked_matrices() -> Result<()> {
    let (a, b) = (normal(&[3, 2, 4], 0), normal(&[2, 2, 4, 5], 1));
    let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let pair = |i: usize, j: usize| product(&x[i * 8..i * 8 + 8], &y[j * 20..j * 20 + 20], 4, 5);
    // Beyond either end is the last or the first.
    let cases: [(&[i64], &[i64], Dtype); 6] = [
        (&[0, 2, 1], &[3, 0, 0], Dtype::U32),
        (&[0, 9, 1], &[77, 1, 2], Dtype::I64),
        (&[-1, 2, -100], &[3, -2, 0], Dtype::I32),
        (&[0, i32::MAX as i64, 1], &[i32::MAX as i64, 0, 3], Dtype::I32),
        (&[1, 127, 0], &[100, 1, 1], Dtype::I8),
        (&[1, 255, 0], &[200, 1, 1], Dtype::U8),
    ];
    for (lhs, rhs, dtype) in cases {
        let expected: Vec<f64> = (lhs.iter().zip(rhs))
            .flat_map(|(&i, &j)| pair(i.clamp(0, 2) as usize, j.clamp(0, 3) as usize))
            .collect();
        let (lhs, rhs) = (indices(lhs, dtype), indices(rhs, dtype));
        let found = a.gather_mm(&b, Gather::new().lhs(&lhs).rhs(&rhs))?;
        assert_eq!(found.shape()?, [3, 2, 5]);
        assert_near(&found, &expected, &format!("{dtype}"));
    }
    let rhs = indices(&[0, 1, 3], Dtype::U32);
    let expected: Vec<f64> = [(0, 0), (1, 1), (2, 3)].into_iter().flat_map(|(i, j)| pair(i, j)).collect();
    assert_near(&a.gather_mm(&b, Gather::new().rhs(&rhs).sorted())?, &expected, "one side");
    let huge = Array::from_slice(&[u64::MAX, 1 << 40], &[2]);
    let last = [pair(2, 3), pair(2, 3)].concat();
    assert_near(&a.gather_mm(&b, Gather::new().lhs(&huge).rhs(&huge))?, &last, "huge");
    Ok(())
}

#[test]
fn products_by_segments() -> Result<()> {
    let (a, b) = (normal(&[3, 8], 0), normal(&[8, 5], 1));
    let (x, y) = (a.to_vec::<f64>()?, b.to_vec::<f64>()?);
    let part = |start: usize, end: usize| {
        let columns: Vec<f64> = x.chunks(8).flat_map(|row| row[start..end].to_vec()).collect();
        if start == end { vec![0.0; 15] } else { product(&columns, &y[start * 5..end * 5], end - start, 5) }
    };
    let pairs = [(0i64, 4i64), (4, 8), (3, 3), (5, 2), (2, 4_000_000_000), (9, 99), (-7, 2), (-5, -1)];
    let expected: Vec<f64> = (pairs.iter())
        .flat_map(|&(start, end)| {
            let start = start.clamp(0, 8) as usize;
            part(start, (end.clamp(0, 8) as usize).max(start))
        })
        .collect();
    let list: Vec<i64> = pairs.iter().flat_map(|&(start, end)| [start, end]).collect();
    let segments = Array::from_slice(&list, &[2, 4, 2]);
    let found = a.segmented_mm(&b, &segments)?;
    assert_eq!(found.shape()?, [2, 4, 3, 5]);
    assert_near(&found, &expected, "segments");
    let none = zeros(&[0, 2], Dtype::U32);
    assert_eq!(a.segmented_mm(&b, &none)?.shape()?, [0, 3, 5]);
    let rows = zeros(&[0, 8], Dtype::F32).segmented_mm(&b, &segments)?;
    assert_eq!((rows.shape()?, rows.to_vec::<f32>()?), (&[2, 4, 0, 5][..], vec![]));
    Ok(())
}

#[test]
fn products_of_masked_blocks() -> Result<()> {
    let (a, b) = (normal(&[40, 64], 0), normal(&[64, 33], 1));
    let left = Array::from_slice(&[1.0f32, 0.0, 2.0, 1.0], &[2, 2]);
    let right = Array::from_slice(&[true, false, true, true], &[2, 2]);
    let out = Array::from_slice(&[1.0f32, 3.0, 0.0, 1.0], &[2, 2]);
    let spread = |mask: &Array, shape: [i32; 2]| -> Result<Array> {
        mask.astype(Dtype::F32)?.repeat(32, 0)?.repeat(32, 1)?.slice(&[0, 0], &shape)
    };
    let masked_a = &a * spread(&left, [40, 64])?;
    let masked_b = &b * spread(&right, [64, 33])?;
    let dot = product(&masked_a.to_vec()?, &masked_b.to_vec()?, 64, 33);
    let expected: Vec<f64> =
        dot.iter().zip(spread(&out, [40, 33])?.to_vec::<f64>()?).map(|(x, y)| x * y).collect();
    let right = right.astype(Dtype::F32)?;
    let found = a.block_masked_mm(&b, BlockMasks::new(32).out(&out).lhs(&left).rhs(&right))?;
    assert_near(&found, &expected, "masks");
    Ok(())
}

#[test]
fn senseless_products_are_errors() {
    const MAX: i32 = i32::MAX;
    let f = |shape: &[i32]| ones(shape, Dtype::F32);
    let (a, b) = (f(&[3, 4]), f(&[4, 5]));
    let (batch, picks) = (f(&[3, 3, 4]), indices(&[0], Dtype::U32));
    let both = Gather::new().lhs(&picks).rhs(&picks);
    let fractions = f(&[1]);
    let (pairs, triple) = (zeros(&[1, 2], Dtype::U32), zeros(&[1, 3], Dtype::U32));
    let mask = f(&[3, 3]);
    let cases: Vec<(&str, Result<Array>)> = vec![
        ("addmm", f(&[2, 5]).addmm(&a, &b)),
        ("addmm", f(&[7, 3, 5]).addmm_scaled(&a, &b, 1.0, 1.0)),
        ("addmm", f(&[3, 5]).addmm(&f(&[]), &b)),
        ("vecdot", a.vecdot(&a, 5)),
        ("vecdot", a.vecdot(&a, i32::MIN)),
        ("vecdot", a.vecdot(&b, -1)),
        ("vecdot", f(&[]).vecdot(&f(&[]), -1)),
        ("tensordot", a.tensordot(&b, -1)),
        ("tensordot", a.tensordot(&b, 2)),
        ("tensordot", a.tensordot(&b, 3)),
        ("tensordot", a.tensordot(&b, MAX)),
        ("tensordot", a.tensordot(&b, i32::MIN)),
        ("tensordot", a.tensordot(&b, ([7], [0]))),
        ("tensordot", a.tensordot(&b, ([i32::MIN], [0]))),
        ("tensordot", f(&[4, 4]).tensordot(&f(&[4, 4]), ([1, -1], [0, 1]))),
        ("tensordot", a.tensordot(&b, (&[1][..], &[0, 1][..]))),
        ("kron", f(&[0, 2]).kron(&a)),
        ("kron", f(&[1 << 20]).kron(&f(&[1 << 20]))),
        ("hadamard", f(&[7]).hadamard_transform()),
        ("hadamard", f(&[6]).hadamard_transform()),
        ("hadamard", f(&[36]).hadamard_transform_scaled(1.0)),
        ("hadamard", f(&[0]).hadamard_transform()),
        ("hadamard", f(&[0, 8]).hadamard_transform()),
        ("hadamard", ones(&[8], Dtype::C64).hadamard_transform()),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(0))),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(-32))),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(i32::MIN).lhs(&mask))),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(16).out(&mask))),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(32).out(&mask))),
        ("masks", a.block_masked_mm(&b, BlockMasks::new(32).lhs(&f(&[0, 0])))),
        ("masks", f(&[]).block_masked_mm(&b, BlockMasks::new(32))),
        ("segments", a.segmented_mm(&b, &triple)),
        ("segments", a.segmented_mm(&b, &f(&[1, 2]))),
        ("segments", a.segmented_mm(&b, &zeros(&[], Dtype::U32))),
        ("segments", a.segmented_mm(&f(&[5, 4]), &pairs)),
        ("segments", batch.segmented_mm(&b, &pairs)),
        ("segments", f(&[4]).segmented_mm(&b, &pairs)),
        ("gather", f(&[0, 3, 4]).gather_mm(&f(&[2, 4, 5]), both)),
        ("gather", batch.gather_mm(&f(&[0, 4, 5]), both)),
        ("gather", batch.gather_mm(&f(&[0, 4, 5]), Gather::new())),
        ("gather", batch.gather_mm(&b, Gather::new().lhs(&fractions))),
        ("gather", f(&[]).gather_mm(&b, both)),
        ("gather", batch.gather_mm(&f(&[3, 3, 4]), both)),
    ];
    for (name, result) in cases {
        assert!(result.is_err(), "{name} gave {result:?}");
    }
}

#[test]
fn empty_products_are_zeros() -> Result<()> {
    let f = |shape: &[i32]| ones(shape, Dtype::F32);
    let picks = indices(&[0, 5], Dtype::U32);
    for (m, k, n) in [(3, 0, 5), (0, 4, 5), (3, 4, 0), (0, 0, 0)] {
        let zeros = vec![0.0f32; (m * n) as usize];
        assert_eq!(f(&[m, k]).matmul(&f(&[k, n]))?.to_vec::<f32>()?, zeros);
        assert_eq!(f(&[m, k]).tensordot(&f(&[k, n]), 1)?.to_vec::<f32>()?, zeros);
        assert_eq!(f(&[m, n]).addmm_scaled(&f(&[m, k]), &f(&[k, n]), 1.0, 0.0)?.to_vec::<f32>()?, zeros);
        assert_eq!(f(&[m, k]).block_masked_mm(&f(&[k, n]), BlockMasks::new(64))?.to_vec::<f32>()?, zeros);
        let segments = zeros_of_pairs();
        assert_eq!(f(&[m, k]).segmented_mm(&f(&[k, n]), &segments)?.to_vec::<f32>()?, zeros);
        let picked = f(&[2, m, k]).gather_mm(&f(&[2, k, n]), Gather::new().lhs(&picks).rhs(&picks))?;
        assert_eq!(picked.to_vec::<f32>()?, [&zeros[..], &zeros[..]].concat());
    }
    Ok(())
}

fn zeros_of_pairs() -> Array {
    zeros(&[1, 2], Dtype::U32)
}
