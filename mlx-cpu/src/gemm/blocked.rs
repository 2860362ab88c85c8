//! The product of a tile by packed panels.

use super::{
    Columns, Matrices,
    register::{Panels, panel_width},
    scratch::Scratch,
    tiles::Place,
};
use crate::simd::dispatch;

/// The most rows of a packed block of the right operand. A panel of them (16 KB in AVX2) and the rows that it is
/// multiplied with (6 KB) stay in the first-level cache.
const DEPTH: usize = 256;
/// The rows of the left operand that are copied at a time, where they must be.
const ROWS: usize = 24;

/// Adds `a b` at `place` to `sums`, whose rows are `stride` apart.
pub(super) fn accumulate(
    a: &Matrices<'_>,
    b: &dyn Columns,
    k: usize,
    place: &Place,
    sums: &mut [f32],
    stride: usize,
) {
    let width = panel_width();
    let panels = place.columns.len().div_ceil(width);
    // Blocks of nearly equal depth, in whole vectors.
    let most = k.div_ceil(k.div_ceil(DEPTH).max(1)).next_multiple_of(8).max(8);
    let mut packed = Scratch::new(panels * width * most);
    let mut copied = Scratch::new(ROWS * most);
    for first in (0..k).step_by(most) {
        let depth = first..k.min(first + most);
        let packed = &mut packed[..panels * width * depth.len()];
        let columns = place.columns.clone().step_by(width);
        for (panel, first) in packed.chunks_exact_mut(width * depth.len()).zip(columns) {
            let columns = first..place.columns.end.min(first + width);
            b.pack(place.matrix, depth.clone(), columns, width, panel);
        }
        let rows = place.rows.clone().step_by(ROWS);
        for (out, first) in sums.chunks_mut(ROWS * stride).zip(rows) {
            let rows = first..place.rows.end.min(first + ROWS);
            let (a, a_stride) = a.rows(place.matrix, rows.clone(), depth.clone(), &mut copied);
            let (rows, depth) = (rows.len(), depth.len());
            dispatch(Panels { rows, depth, a, a_stride, panels: packed, out, out_stride: stride });
        }
    }
}
