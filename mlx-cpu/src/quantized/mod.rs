//! Products with quantized matrices, in MLX's formats.
//!
//! | | |
//! |---|---|
//! | `encoding` | what is stored of a matrix |
//! | `numbers` | numbers of few bits, decoded in vectors |
//! | `layout` | the order in which kernels come across the numbers of a row |
//! | `vector` | products with few vectors: each number of the matrix is decoded once for all of them |
//! | `digits` | products with one vector, where processors multiply bytes |
//! | `across` | products with several vectors, where processors multiply bytes |
//! | `panel` | blocks as the dense product takes its right operand: for many vectors |
//! | `product` | which of the two, and tasks for the threads |

mod across;
mod digits;
mod encoding;
mod layout;
mod numbers;
mod panel;
mod product;
mod vector;

pub use encoding::Encoding;

use crate::{
    Floats, FloatsMut,
    elementwise::{copy, widened},
    floats::with_floats,
    gemm::{Matrices, multiply_columns},
};

/// A matrix `[rows, columns]` of numbers of few bits.
#[derive(Clone, Copy, Debug)]
pub struct Quantized<'a> {
    rows: usize,
    columns: usize,
    words: &'a [u32],
    encoding: Encoding<'a>,
}

impl<'a> Quantized<'a> {
    /// The matrix whose rows are streams of numbers, the lowest bits of each word first.
    ///
    /// # Panics
    /// If the encoding does not exist, if `columns` is no multiple of its group size, or if there are not as many words
    /// and groups as the matrix has.
    pub fn new(rows: usize, columns: usize, words: &'a [u32], encoding: Encoding<'a>) -> Self {
        let (bits, group_size) = (encoding.bits(), encoding.group_size());
        assert!(matches!(bits, 1..=6 | 8), "no numbers of {bits} bits");
        assert!(group_size > 0 && columns.is_multiple_of(group_size), "{columns} in groups of {group_size}");
        assert_eq!(encoding.groups(), rows * columns / group_size, "a scale for each group");
        assert_eq!(words.len(), rows * columns * bits / 32, "words for all numbers");
        Quantized { rows, columns, words, encoding }
    }

    /// How many numbers a row has.
    pub fn columns(&self) -> usize {
        self.columns
    }

    fn row_words(&self) -> usize {
        self.columns * self.encoding.bits() / 32
    }

    fn row_groups(&self) -> usize {
        self.columns / self.encoding.group_size()
    }

    /// Multiplies `count` vectors by the transposed matrix: `x[count, columns]` to `out[count, rows]`.
    ///
    /// # Panics
    /// If `x` or `out` are of other lengths.
    pub fn project(&self, x: Floats<'_>, count: usize, out: FloatsMut<'_>) {
        assert_eq!(
            (x.len(), out.len()),
            (count * self.columns, count * self.rows),
            "vectors of the matrix's size"
        );
        if !out.is_empty() {
            product::project(self, x, count, out);
        }
    }

    /// Multiplies `count` vectors by the matrix: `x[count, rows]` to `out[count, columns]`.
    ///
    /// # Panics
    /// If `x` or `out` are of other lengths.
    pub fn project_back(&self, x: Floats<'_>, count: usize, out: FloatsMut<'_>) {
        assert_eq!(
            (x.len(), out.len()),
            (count * self.rows, count * self.columns),
            "vectors of the matrix's size"
        );
        let x = Matrices::dense(x, self.rows);
        multiply_columns(count, self.columns, self.rows, x, &panel::AsIs(self), out);
    }

    /// The numbers of a row: `columns` of them.
    ///
    /// # Panics
    /// If there is no such row, or `out` is of another length.
    pub fn decode_row(&self, row: usize, out: FloatsMut<'_>) {
        assert_eq!(out.len(), self.columns, "a place for each number");
        with_floats!(mut out, out => panel::decode(self, row, 0, out));
    }
}

/// Multiplies `count` vectors by several transposed matrices of as many columns: `x[count, columns]` to
/// `out[count, rows]` of each. The threads share the work on all at once.
///
/// # Panics
/// If there is not an output for each matrix, the matrices have different numbers of columns, or `x` or an output is of
/// another length.
pub fn project_together(matrices: &[Quantized<'_>], x: Floats<'_>, count: usize, outs: &mut [FloatsMut<'_>]) {
    assert_eq!(matrices.len(), outs.len(), "an output for each matrix");
    for (matrix, out) in matrices.iter().zip(outs.iter()) {
        assert_eq!(
            (x.len(), out.len()),
            (count * matrix.columns, count * matrix.rows),
            "vectors of the matrix's size"
        );
    }
    if count > 0 {
        product::project_together(matrices, x, count, outs);
    }
}

/// Multiplies blocks of vectors by transposed matrices that are picked for each: block `i` of `out[picks, count, rows]` is
/// block `of_x[i]` of `x[blocks, count, columns]` times matrix `of_matrices[i]`. All matrices are of one shape.
///
/// Blocks that go through one matrix are multiplied together, so that it is read once.
///
/// # Panics
/// If there are not as many picks of both kinds, or if one of them does not exist.
pub fn project_picked(
    matrices: &[Quantized<'_>],
    x: Floats<'_>,
    count: usize,
    of_x: &[usize],
    of_matrices: &[usize],
    out: FloatsMut<'_>,
) {
    assert_eq!(of_x.len(), of_matrices.len(), "a matrix for each block");
    let Some(first) = matrices.first() else {
        assert!(of_x.is_empty(), "there are no matrices");
        return;
    };
    let (rows, columns) = (first.rows * count, first.columns * count);
    assert_eq!(out.len(), of_x.len() * rows, "a place for each block");
    let x = widened(x);
    let mut order: Vec<usize> = (0..of_x.len()).collect();
    order.sort_by_key(|&i| of_matrices[i]);
    with_floats!(mut out, out => {
        for blocks in order.chunk_by(|&i, &j| of_matrices[i] == of_matrices[j]) {
            let mut inputs = Vec::with_capacity(blocks.len() * columns);
            for &i in blocks {
                inputs.extend_from_slice(&x[of_x[i] * columns..][..columns]);
            }
            let mut products = vec![0.0; blocks.len() * rows];
            let matrix = &matrices[of_matrices[blocks[0]]];
            matrix.project(Floats::F32(&inputs), blocks.len() * count, FloatsMut::F32(&mut products));
            for (&i, products) in blocks.iter().zip(products.chunks(rows.max(1))) {
                copy(products, &mut out[i * rows..][..rows]);
            }
        }
    });
}
