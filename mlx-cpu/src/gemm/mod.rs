//! Matrix products: `out = alpha * a b + beta * c`.
//!
//! The structure is that of Goto and van de Geijn, "Anatomy of High-Performance Matrix Multiplication" (2008): blocks of
//! the right operand are packed into panels that lie in the caches in the order in which the innermost loop, over
//! registers, reads them. Here the output is cut into tiles, one task each, and every task packs what it needs: a tile
//! is large enough that packing costs little beside multiplying, and nobody waits for anybody.
//!
//! | | |
//! |---|---|
//! | `tiles` | cuts the output into tiles for the threads |
//! | `blocked` | the product of a tile by packed panels |
//! | `register` | the innermost loop: a few rows times one panel |
//! | `pack` | copies blocks of any layout and kind of number to dense `f32` |
//! | `vector` | products of a few rows, which read the right operand once and do not pack it |
//! | `scratch` | working memory |

mod blocked;
mod pack;
mod register;
mod scratch;
mod tiles;
mod vector;

pub(crate) use register::{Panels, panel_width};
pub(crate) use scratch::Scratch;

use crate::{Floats, FloatsMut, floats::with_floats};
use std::ops::Range;
use tiles::Task;

/// Matrices of one batch as they lie in memory: element `(i, j)` of matrix `t` is number
/// `offsets[t] + i * row_stride + j * col_stride` of `data`. Strides may be 0 or negative.
#[derive(Clone, Copy, Debug)]
pub struct Matrices<'a> {
    /// The numbers that all elements are among.
    pub data: Floats<'a>,
    /// Where each matrix begins.
    pub offsets: &'a [usize],
    /// The way from one row to the next.
    pub row_stride: isize,
    /// The way from one column to the next.
    pub col_stride: isize,
}

impl<'a> Matrices<'a> {
    /// One matrix with rows of `columns` elements, one after the other.
    pub fn dense(data: Floats<'a>, columns: usize) -> Self {
        Matrices { data, offsets: &[0], row_stride: columns.cast_signed(), col_stride: 1 }
    }

    /// The matrices with rows and columns exchanged.
    pub fn transposed(self) -> Self {
        Matrices { row_stride: self.col_stride, col_stride: self.row_stride, ..self }
    }

    /// Where element `(i, j)` of a matrix is.
    #[inline(always)]
    fn index(&self, matrix: usize, i: usize, j: usize) -> usize {
        let offset = self.offsets[matrix].cast_signed();
        (offset + i.cast_signed() * self.row_stride + j.cast_signed() * self.col_stride).cast_unsigned()
    }
}

/// A batch of products `alpha * a b + beta * c` of `a[m, k]`, `b[k, n]` and `c[m, n]`.
#[derive(Clone, Copy, Debug)]
pub struct Product<'a> {
    /// Rows of `a` and of the output.
    pub m: usize,
    /// Columns of `b` and of the output.
    pub n: usize,
    /// Columns of `a` and rows of `b`.
    pub k: usize,
    /// The left operands.
    pub a: Matrices<'a>,
    /// The right operands, as many.
    pub b: Matrices<'a>,
    /// The factor of the products.
    pub alpha: f32,
    /// `beta` and `c`, as many as there are of `a`. Also where `beta` is 0, NaN in `c` is NaN in the output.
    pub addend: Option<(f32, Matrices<'a>)>,
}

/// Computes `product` into `out[batch, m, n]`, whose matrices lie densely one after the other.
///
/// Sums are taken in `f32`, whatever the elements are, and rounded once. `a`, `b`, `c` and `out` may be of different
/// kinds.
///
/// # Panics
/// If `a`, `b` and `c` are batches of different lengths, if `out` has another length than `batch * m * n`, or if an
/// element would lie outside of its data.
pub fn multiply(product: &Product<'_>, out: FloatsMut<'_>) {
    let Product { m, n, k, a, b, alpha, addend } = *product;
    let batch = a.offsets.len();
    assert!(
        b.offsets.len() == batch && addend.is_none_or(|(_, c)| c.offsets.len() == batch),
        "batches of different lengths"
    );
    if n == 1 && m > 1 {
        // Rows of one element and a column of as many are the same memory.
        let addend = addend.map(|(beta, c)| (beta, c.transposed()));
        let product = Product { m: n, n: m, k, a: b.transposed(), b: a.transposed(), alpha, addend };
        return multiply(&product, out);
    }
    let method = vector::method(m, &b).unwrap_or(tiles::Method::Blocked(&b));
    let task = Task { m, n, k, a, method, alpha, addend };
    with_floats!(mut out, out => task.run(out));
}

/// A batch of right operands `[k, n]` that give their elements as packed panels of `f32`: dense matrices, or such as
/// compute them, as quantized ones do.
pub(crate) trait Columns: Sync {
    /// Writes the block of rows `depth` and columns `columns` of matrix `matrix` of the batch to `panel`: element
    /// `(p, j)` of the block to `panel[p * width + j]`.
    ///
    /// `panel` has `depth.len() * width` elements and `columns` at most `width`, which is 8, 16 or 32. Where there are
    /// fewer columns than `width`, what is left in the rest of each row does not matter. Called on all threads at once,
    /// outside of any [`dispatch`](crate::simd::dispatch).
    fn pack(
        &self,
        matrix: usize,
        depth: Range<usize>,
        columns: Range<usize>,
        width: usize,
        panel: &mut [f32],
    );
}

/// Computes `a[m, k] b[k, n]` into `out[batch, m, n]` as [`multiply`] does, for any right operands; `batch` is the
/// number of matrices of `a`.
///
/// # Panics
/// If `out` has another length than `batch * m * n`, or if an element of `a` would lie outside of its data.
pub(crate) fn multiply_columns(
    m: usize,
    n: usize,
    k: usize,
    a: Matrices<'_>,
    b: &dyn Columns,
    out: FloatsMut<'_>,
) {
    let task = Task { m, n, k, a, method: tiles::Method::Blocked(b), alpha: 1.0, addend: None };
    with_floats!(mut out, out => task.run(out));
}
