//! Blocks of matrices of any layout and kind of number, copied to dense `f32`.

use super::{Columns, Matrices};
use crate::{
    Floats,
    floats::with_floats,
    simd::{Element, Kernel, Simd, dispatch},
};
use std::ops::Range;

/// The most lanes that a vector has.
const LANES: usize = 16;

impl Columns for Matrices<'_> {
    fn pack(
        &self,
        matrix: usize,
        depth: Range<usize>,
        columns: Range<usize>,
        width: usize,
        panel: &mut [f32],
    ) {
        self.copy(matrix, depth, columns, panel, width);
    }
}

impl Matrices<'_> {
    /// Copies a block to `to`, where rows are `stride` apart; `to` has as many whole strides as there are rows.
    pub(super) fn copy(
        &self,
        matrix: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        to: &mut [f32],
        stride: usize,
    ) {
        if rows.is_empty() || columns.is_empty() {
            return;
        }
        let start = self.index(matrix, rows.start, columns.start);
        let (row_stride, col_stride) = (self.row_stride, self.col_stride);
        let (rows, columns) = (rows.len(), columns.len());
        with_floats!(self.data, from => {
            dispatch(Copy { from, start, row_stride, col_stride, rows, columns, to, stride });
        });
    }

    /// A block as rows of `f32`, and how far they are apart: as it lies in memory, or copied to `buffer`, which has room
    /// for it.
    pub(super) fn rows<'a>(
        &'a self,
        matrix: usize,
        rows: Range<usize>,
        columns: Range<usize>,
        buffer: &'a mut [f32],
    ) -> (&'a [f32], usize) {
        if let (Floats::F32(data), 1, Ok(stride)) = (self.data, self.col_stride, self.row_stride.try_into()) {
            return (&data[self.index(matrix, rows.start, columns.start)..], stride);
        }
        let stride = columns.len();
        self.copy(matrix, rows, columns, buffer, stride);
        (buffer, stride)
    }
}

struct Copy<'a, E> {
    from: &'a [E],
    start: usize,
    row_stride: isize,
    col_stride: isize,
    rows: usize,
    columns: usize,
    to: &'a mut [f32],
    stride: usize,
}

impl<E: Element> Kernel for Copy<'_, E> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(mut self, s: S) {
        match (self.row_stride, self.col_stride) {
            (_, 1) => self.widen_rows(s),
            (1, _) => self.transpose(s),
            _ => self.gather(0..self.rows, 0..self.columns),
        }
    }
}

impl<'a, E: Element> Copy<'a, E> {
    /// The elements from `(i, j)` on.
    #[inline(always)]
    fn from(&self, i: usize, j: usize) -> &'a [E] {
        let step = i.cast_signed() * self.row_stride + j.cast_signed() * self.col_stride;
        &self.from[self.start.wrapping_add_signed(step)..]
    }

    /// For rows that are contiguous: in strips of two vectors, the width of a panel.
    #[inline(always)]
    fn widen_rows<S: Simd>(&mut self, s: S) {
        let width = 2 * S::LANES;
        let whole = self.columns / width * width;
        for j in (0..whole).step_by(width) {
            let mut start = self.start + j;
            for to in self.to.chunks_exact_mut(self.stride).take(self.rows) {
                let (from, next_from) = self.from[start..][..width].split_at(S::LANES);
                let (to, next_to) = to[j..][..width].split_at_mut(S::LANES);
                s.store(E::load(s, from), to);
                s.store(E::load(s, next_from), next_to);
                start = start.wrapping_add_signed(self.row_stride);
            }
        }
        self.gather(0..self.rows, whole..self.columns);
    }

    /// For columns that are contiguous: squares of `LANES` rows and columns are transposed in registers.
    #[inline(always)]
    fn transpose<S: Simd>(&mut self, s: S) {
        let rows = self.rows / S::LANES * S::LANES;
        let columns = self.columns / S::LANES * S::LANES;
        for j in (0..columns).step_by(S::LANES) {
            let mut lines = [self.from; LANES];
            for (column, line) in lines[..S::LANES].iter_mut().enumerate() {
                *line = &self.from(0, j + column)[..rows];
            }
            for i in (0..rows).step_by(S::LANES) {
                let mut square = [s.splat(0.0); LANES];
                for (vector, line) in square[..S::LANES].iter_mut().zip(lines) {
                    *vector = E::load(s, &line[i..]);
                }
                s.transpose(&mut square[..S::LANES]);
                for (row, vector) in square[..S::LANES].iter().enumerate() {
                    s.store(*vector, &mut self.to[(i + row) * self.stride + j..]);
                }
            }
        }
        self.gather(rows..self.rows, 0..columns);
        self.gather(0..self.rows, columns..self.columns);
    }

    /// For any strides.
    #[inline(always)]
    fn gather(&mut self, rows: Range<usize>, columns: Range<usize>) {
        for i in rows {
            for j in columns.clone() {
                self.to[i * self.stride + j] = self.from(i, j)[0].widen();
            }
        }
    }
}
