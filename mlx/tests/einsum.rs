//! Einstein sums against nested loops in f64.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may panic")]

use mlx::{Array, Dtype, Result, einsum, einsum_path, ones, random, zeros};
use std::collections::HashMap;

fn normal(shape: &[i32], seed: u64) -> Array {
    random::normal(shape, Dtype::F32, &random::key(seed).unwrap()).unwrap()
}

/// The sum over all values of all letters, with the result's letters after `->`.
fn reference(subscripts: &str, operands: &[&Array]) -> Vec<f64> {
    let (terms, out) = subscripts.split_once("->").unwrap();
    let terms: Vec<Vec<char>> = terms.split(',').map(|term| term.chars().collect()).collect();
    let mut extents = HashMap::new();
    for (term, operand) in terms.iter().zip(operands) {
        extents.extend(term.iter().copied().zip(operand.shape().unwrap().iter().map(|&n| n as usize)));
    }
    let mut letters: Vec<char> = out.chars().collect();
    letters.extend({
        let mut rest: Vec<char> = extents.keys().copied().filter(|c| !out.contains(*c)).collect();
        rest.sort_unstable();
        rest
    });
    let kept: usize = out.chars().map(|c| extents[&c]).product();
    let total: usize = letters.iter().map(|c| extents[c]).product();
    let data: Vec<Vec<f64>> = operands.iter().map(|x| x.to_vec().unwrap()).collect();
    let mut result = vec![0.0; kept];
    for i in 0..total {
        let mut rest = i;
        let mut value = HashMap::new();
        for c in letters.iter().rev() {
            value.insert(*c, rest % extents[c]);
            rest /= extents[c];
        }
        let term = terms
            .iter()
            .zip(&data)
            .map(|(term, data)| data[term.iter().fold(0, |offset, c| offset * extents[c] + value[c])]);
        result[i / (total / kept)] += term.product::<f64>();
    }
    result
}

#[test]
fn sums_of_products() -> Result<()> {
    let cases: &[(&str, &[&[i32]])] = &[
        ("i->i", &[&[3]]),
        ("i->", &[&[3]]),
        ("ij->ji", &[&[2, 3]]),
        ("ij->i", &[&[2, 3]]),
        ("ii->i", &[&[3, 3]]),
        ("iij->j", &[&[3, 3, 2]]),
        ("ij,jk->ik", &[&[2, 3], &[3, 4]]),
        ("ij,jk->ki", &[&[2, 3], &[3, 4]]),
        ("ij,kj->", &[&[2, 3], &[4, 3]]),
        ("i,j->ij", &[&[2], &[3]]),
        ("bij,bjk->bik", &[&[2, 3, 4], &[2, 4, 2]]),
        ("bhqd,bhkd->bhqk", &[&[1, 2, 3, 4], &[1, 2, 5, 4]]),
        ("ij,jk,kl->il", &[&[2, 3], &[3, 4], &[4, 2]]),
        ("i,j,k->kji", &[&[2], &[3], &[2]]),
        ("ij,ij->ij", &[&[2, 3], &[2, 3]]),
        ("ab,bc,cd,de->ae", &[&[2, 3], &[3, 2], &[2, 4], &[4, 2]]),
        ("Ij,jK->IK", &[&[2, 3], &[3, 2]]),
    ];
    for (seed, (subscripts, shapes)) in cases.iter().enumerate() {
        let arrays: Vec<Array> =
            shapes.iter().enumerate().map(|(i, shape)| normal(shape, (seed * 8 + i) as u64)).collect();
        let operands: Vec<&Array> = arrays.iter().collect();
        let (found, expected) = (einsum(subscripts, &operands)?, reference(subscripts, &operands));
        let found = found.to_vec::<f64>()?;
        assert_eq!(found.len(), expected.len(), "{subscripts}");
        for (x, y) in found.iter().zip(&expected) {
            assert!(
                (x - y).abs() < 1e-4 * y.abs().max(1.0),
                "{subscripts}: {found:?}, expected {expected:?}"
            );
        }
    }
    Ok(())
}

#[test]
fn notation() -> Result<()> {
    let (a, b) = (normal(&[5, 2, 3], 0), normal(&[3, 4], 1));
    let plain = einsum("bij,jk->bik", &[&a, &b])?.to_vec::<f32>()?;
    for same in ["...ij,jk->...ik", "bij,jk", " b i j , j k -> b i k ", "...ij,...jk->...ik"] {
        assert_eq!(einsum(same, &[&a, &b])?.to_vec::<f32>()?, plain, "{same}");
    }
    assert_eq!(einsum("...->", &[ones(&[2, 3], Dtype::F32)])?.item::<f32>()?, 6.0);
    assert_eq!(
        einsum("ij,jk->ik", &[&ones(&[2, 0], Dtype::F32), &ones(&[0, 2], Dtype::F32)])?.to_vec::<f32>()?,
        [0.0; 4]
    );
    Ok(())
}

#[test]
fn paths_contract_every_operand() -> Result<()> {
    let arrays = [normal(&[9, 9], 0), normal(&[9, 9], 1), normal(&[9, 9], 2), normal(&[9, 1], 3)];
    let (steps, costs) = einsum_path("ij,jk,kl,lm->im", &arrays.each_ref())?;
    assert!(!costs.is_empty());
    let mut left = arrays.len();
    for step in &steps {
        assert!(step.iter().all(|&position| position < left), "{steps:?}");
        left = left - step.len() + 1;
    }
    assert_eq!(left, 1, "{steps:?}");
    Ok(())
}

#[test]
fn senseless_sums_are_errors() {
    let (a, b) = (ones(&[2, 3], Dtype::F32), ones(&[3, 4], Dtype::F32));
    let cube = ones(&[1 << 21, 1, 1], Dtype::F32);
    let cases: &[(&str, &[&Array])] = &[
        ("", &[]),
        ("ij,jk->ik", &[]),
        ("ij,jk->ik", &[&a]),
        ("ij", &[&a, &b]),
        ("i", &[&a]),
        ("ijk", &[&a]),
        ("ij->jk", &[&a]),
        ("ij->jii", &[&a]),
        ("ii", &[&a]),
        ("....", &[&a]),
        ("i..j", &[&a]),
        ("...i...", &[&a]),
        ("ij,jk->ik->i", &[&a, &b]),
        ("ij,jk>ik", &[&a, &b]),
        ("i1->1", &[&a]),
        ("éj->j", &[&a]),
        ("\0", &[&a]),
        ("-", &[&a]),
        ("ij,jk->ik", &[&a, &a]),
        ("abc,dae,fga->abcdefg", &[&cube, &cube, &cube]),
        ("aij,bij,cij->abc", &[&cube, &cube, &cube]),
        ("ij,jk->ik", &[&zeros(&[2, 3], Dtype::I32), &zeros(&[3, 4], Dtype::I32)]),
        ("ij", &[&(&a + &b)]),
    ];
    for (subscripts, operands) in cases {
        let result = einsum(subscripts, operands);
        assert!(result.is_err(), "{subscripts:?} gave {result:?}");
    }
    for (subscripts, operands) in cases.iter().take(6) {
        let result = einsum_path(subscripts, operands);
        assert!(result.is_err(), "{subscripts:?} gave {result:?}");
    }
}
