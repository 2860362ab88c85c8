//! Products of rows with vectors, cut into tasks for the threads.

use super::{
    Quantized, across::Across, digits::Digits, layout::Arranged, numbers::with_numbers, panel::Transposed,
    vector::Products,
};
use crate::{
    Floats, FloatsMut,
    elementwise::{copy, widened},
    floats::with_floats,
    gemm::{Matrices, Scratch, multiply_columns},
    pool,
    simd::{Element, dispatch},
};
use std::{marker::PhantomData, sync::Arc};

/// Up to so many vectors, decoding each number where it is used costs less than packing panels; and where bytes are
/// multiplied.
const FEW: usize = 16;
const FEW_ACROSS: usize = 64;
/// So many numbers of a matrix, times vectors, are not worth a second thread.
const LEAST: usize = 1 << 16;
/// About so many make a task, for threads that are late leave theirs to others.
const MOST: usize = 1 << 20;

pub(super) fn project(matrix: &Quantized<'_>, x: Floats<'_>, count: usize, out: FloatsMut<'_>) {
    if are_many(count, &[*matrix]) {
        let x = Matrices::dense(x, matrix.columns);
        return multiply_columns(count, matrix.rows, matrix.columns, x, &Transposed(matrix), out);
    }
    match out {
        FloatsMut::F32(out) if count == 1 => one(&[*matrix], &widened(x), out),
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
    if are_many(count, matrices) {
        for (matrix, out) in matrices.iter().zip(outs) {
            project(matrix, Floats::F32(&x), count, out.reborrow());
        }
        return;
    }
    if count > 1 {
        return few(matrices, &x, count, outs);
    }
    let mut products = vec![0.0; outs.iter().map(|out| out.len()).sum()];
    one(matrices, &x, &mut products);
    let mut rest = &*products;
    for out in outs {
        let (part, others) = rest.split_at(out.len());
        with_floats!(mut out, out => copy(part, out));
        rest = others;
    }
}

/// Whether so many vectors are multiplied by packed panels.
fn are_many(count: usize, matrices: &[Quantized<'_>]) -> bool {
    count > FEW && !(count <= FEW_ACROSS && matrices.iter().all(Across::fits))
}

/// Into `out[rows of all]`, of which each task has some.
fn one(matrices: &[Quantized<'_>], x: &[f32], out: &mut [f32]) {
    let vectors = arranged(matrices, x, 1);
    let columns = matrices.first().map_or(0, |matrix| matrix.columns);
    let rows = task_rows(out.len(), columns);
    pool::for_each_chunk(out, rows, |i, mut out| {
        let mut skip = i * rows;
        for (matrix, vectors) in matrices.iter().zip(&vectors) {
            let row = skip.min(matrix.rows);
            skip -= row;
            let (of_matrix, rest) = out.split_at_mut(out.len().min(matrix.rows - row));
            out = rest;
            products(matrix, row, vectors, &[0], of_matrix);
        }
    });
}

/// Some rows of a matrix, and for each vector where their products go.
struct Task<'a> {
    matrix: usize,
    row: usize,
    outs: Vec<FloatsMut<'a>>,
}

/// Into `outs[count, rows]`, of which each task has some columns.
fn few(matrices: &[Quantized<'_>], x: &[f32], count: usize, outs: &mut [FloatsMut<'_>]) {
    let picks: Vec<u32> = (0..count as u32).collect();
    let vectors = arranged(matrices, x, count);
    let mut tasks = tasks(matrices, count, outs);
    pool::for_each_chunk(&mut tasks, 1, |_, tasks| {
        for Task { matrix, row, outs } in tasks {
            if let Vectors::Across(vectors) = &*vectors[*matrix] {
                vectors.multiply(&matrices[*matrix], *row, outs);
                continue;
            }
            let rows = outs.first().map_or(0, |out| out.len());
            let mut found = Scratch::new(rows * count);
            products(&matrices[*matrix], *row, &vectors[*matrix], &picks, &mut found);
            for (i, out) in outs.iter_mut().enumerate() {
                with_floats!(mut out, out => for (to, found) in out.iter_mut().zip(found.chunks_exact(count)) {
                    *to = Element::narrow(found[i]);
                });
            }
        }
    });
}

/// Nearly equal tasks.
fn tasks<'a>(matrices: &[Quantized<'_>], count: usize, outs: &'a mut [FloatsMut<'_>]) -> Vec<Task<'a>> {
    let columns = matrices.first().map_or(0, |matrix| matrix.columns);
    let all = matrices.iter().map(|matrix| matrix.rows).sum();
    let most = task_rows(all, columns * count);
    let mut tasks = Vec::with_capacity(all / most + matrices.len());
    for (number, (matrix, out)) in matrices.iter().zip(outs).enumerate() {
        let of_matrix = tasks.len();
        let starts = (0..matrix.rows).step_by(most);
        tasks.extend(starts.map(|row| Task { matrix: number, row, outs: Vec::with_capacity(count) }));
        let mut rest = out.reborrow();
        for _ in 0..count {
            for task in &mut tasks[of_matrix..] {
                let [part, others] = rest.split_at(most.min(matrix.rows - task.row));
                task.outs.push(part);
                rest = others;
            }
        }
    }
    tasks
}

/// Vectors as kernels take them.
enum Vectors {
    Digits(Digits),
    Across(Across),
    Numbers(Arranged),
}

/// Products of the rows from `row` on with the vectors `picks`, all of them, into `out[rows, picks]`.
fn products(matrix: &Quantized<'_>, row: usize, vectors: &Vectors, picks: &[u32], out: &mut [f32]) {
    match vectors {
        _ if out.is_empty() => {}
        Vectors::Digits(vector) => vector.multiply(matrix, row, out),
        Vectors::Across(vectors) => vectors.multiply(matrix, row, &mut [FloatsMut::F32(out)]),
        Vectors::Numbers(vectors) => with_numbers!(matrix.encoding, N => {
            dispatch(Products { matrix, row, vectors, picks, out, numbers: PhantomData::<N> });
        }),
    }
}

/// The vectors as each matrix meets them, arranged once for those that are encoded alike.
fn arranged(matrices: &[Quantized<'_>], x: &[f32], count: usize) -> Vec<Arc<Vectors>> {
    let mut all: Vec<Arc<Vectors>> = Vec::with_capacity(matrices.len());
    for (i, matrix) in matrices.iter().enumerate() {
        let same = matrices[..i].iter().position(|other| other.encoding.is_like(&matrix.encoding));
        all.push(match same {
            Some(same) => all[same].clone(),
            None => Arc::new(arrange(matrix, x, count)),
        });
    }
    all
}

fn arrange(matrix: &Quantized<'_>, x: &[f32], count: usize) -> Vectors {
    let digits = match count {
        1 => Digits::of(x, matrix).map(Vectors::Digits),
        _ => Across::of(x, count, matrix).map(Vectors::Across),
    };
    if let Some(vectors) = digits {
        return vectors;
    }
    Vectors::Numbers(with_numbers!(matrix.encoding, N => {
        Arranged::new::<N>(x, count, matrix.columns, matrix.encoding.group_size())
    }))
}

/// How many of `rows` rows make a task, if each takes `work` multiplications.
fn task_rows(rows: usize, work: usize) -> usize {
    let (threads, total) = (pool::threads(), rows * work);
    let tasks =
        if total < threads * LEAST { total / LEAST } else { threads * total.div_ceil(threads * MOST) };
    // Whole tiles.
    rows.div_ceil(tasks.max(1)).next_multiple_of(16)
}
