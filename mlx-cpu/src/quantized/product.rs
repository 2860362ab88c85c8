//! Products of rows with vectors, cut into tasks for the threads.

use super::{Quantized, layout::Arranged, numbers::with_numbers, panel::Transposed, vector::Products};
use crate::{
    Floats, FloatsMut,
    elementwise::{copy, widened},
    floats::with_floats,
    gemm::{Matrices, multiply_columns},
    pool,
    simd::{Element, dispatch},
};
use std::{marker::PhantomData, sync::Arc};

/// Up to so many vectors, decoding each number where it is used costs less than packing panels.
const FEW: usize = 12;
/// So many numbers of a matrix, times vectors, are not worth a second thread.
const LEAST: usize = 1 << 16;
/// About so many make a task, for threads that are late leave theirs to others.
const MOST: usize = 1 << 18;

pub(super) fn project(matrix: &Quantized<'_>, x: Floats<'_>, count: usize, out: FloatsMut<'_>) {
    if count > FEW {
        let x = Matrices::dense(x, matrix.columns);
        return multiply_columns(count, matrix.rows, matrix.columns, x, &Transposed(matrix), out);
    }
    match out {
        FloatsMut::F32(out) if count == 1 => few(&[*matrix], &widened(x), count, out),
        out => project_together(&[*matrix], x, count, &mut [out]),
    }
}

pub(super) fn project_together(
    matrices: &[Quantized<'_>],
    x: Floats<'_>,
    count: usize,
    outs: &mut [FloatsMut<'_>],
) {
    let x = widened(x);
    if count > FEW {
        for (matrix, out) in matrices.iter().zip(outs) {
            project(matrix, Floats::F32(&x), count, out.reborrow());
        }
        return;
    }
    let mut products = vec![0.0; outs.iter().map(|out| out.len()).sum()];
    few(matrices, &x, count, &mut products);
    let mut rest = &*products;
    for out in outs {
        let (part, others) = rest.split_at(out.len());
        with_floats!(mut out, out => transpose(part, count, out));
        rest = others;
    }
}

/// Into `out[rows of all, count]`, of which each task has some rows.
fn few(matrices: &[Quantized<'_>], x: &[f32], count: usize, out: &mut [f32]) {
    let picks: Vec<u32> = (0..count as u32).collect();
    let vectors: Vec<Arc<Arranged>> = arranged(matrices, x, count);
    let columns = matrices.first().map_or(0, |matrix| matrix.columns);
    let rows = task_rows(out.len() / count, columns * count);
    pool::for_each_chunk(out, rows * count, |i, mut out| {
        let mut skip = i * rows;
        for (matrix, vectors) in matrices.iter().zip(&vectors) {
            let row = skip.min(matrix.rows);
            skip -= row;
            let part = out.len().min((matrix.rows - row) * count);
            if part == 0 {
                continue;
            }
            let (out_of_matrix, rest) = out.split_at_mut(part);
            out = rest;
            with_numbers!(matrix.encoding, N => {
                let (picks, numbers) = (&*picks, PhantomData::<N>);
                dispatch(Products { matrix, row, vectors, picks, out: out_of_matrix, numbers });
            });
        }
    });
}

/// The vectors as each matrix meets them, arranged once for those that are encoded alike.
fn arranged(matrices: &[Quantized<'_>], x: &[f32], count: usize) -> Vec<Arc<Arranged>> {
    let mut all: Vec<Arc<Arranged>> = Vec::with_capacity(matrices.len());
    for (i, matrix) in matrices.iter().enumerate() {
        let same = matrices[..i].iter().position(|other| other.encoding.is_like(&matrix.encoding));
        all.push(match same {
            Some(same) => all[same].clone(),
            None => Arc::new(with_numbers!(matrix.encoding, N => {
                Arranged::new::<N>(x, count, matrix.columns, matrix.encoding.group_size())
            })),
        });
    }
    all
}

/// Writes `from[rows, count]` as `to[count, rows]`.
fn transpose<T: Element>(from: &[f32], count: usize, to: &mut [T]) {
    if count == 1 {
        return copy(from, to);
    }
    let mut row = vec![0.0; from.len() / count];
    for (i, to) in to.chunks_mut(row.len()).enumerate() {
        for (to, from) in row.iter_mut().zip(from.chunks(count)) {
            *to = from[i];
        }
        copy(&row, to);
    }
}

/// How many of `rows` rows make a task, if each takes `work` multiplications.
fn task_rows(rows: usize, work: usize) -> usize {
    let (threads, total) = (pool::threads(), rows * work);
    let tasks =
        if total < threads * LEAST { total / LEAST } else { threads * total.div_ceil(threads * MOST) };
    // Whole tiles.
    rows.div_ceil(tasks.max(1)).next_multiple_of(4)
}
