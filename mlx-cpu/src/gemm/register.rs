//! The innermost loop: a few rows times one panel, with the sums in registers.

use crate::simd::{Kernel, Simd, dispatch};

/// Rows at a time: 6 rows of 2 vectors, with the 2 vectors of the panel and a factor, fit the 16 registers of AVX2, and
/// 12 sums in flight hide the latency of `fma`.
const ROWS: usize = 6;

/// Columns of a packed panel in the vectors of [`dispatch`].
pub(crate) fn panel_width() -> usize {
    struct Width;
    impl Kernel for Width {
        type Output = usize;
        #[inline(always)]
        fn run<S: Simd>(self, _: S) -> usize {
            2 * S::LANES
        }
    }
    dispatch(Width)
}

/// A product of rows of `f32` and packed panels, added to `out`.
pub(crate) struct Panels<'a> {
    /// Rows of `a` and of `out`.
    pub(crate) rows: usize,
    /// Columns of `a` and rows of each panel.
    pub(crate) depth: usize,
    /// Row `i` begins at `i * a_stride`.
    pub(crate) a: &'a [f32],
    pub(crate) a_stride: usize,
    /// Panels of `depth` rows of `2 * LANES` elements, one after the other.
    pub(crate) panels: &'a [f32],
    /// Row `i` begins at `i * out_stride` and has the columns of all panels.
    pub(crate) out: &'a mut [f32],
    pub(crate) out_stride: usize,
}

impl Kernel for Panels<'_> {
    type Output = ();

    #[inline(always)]
    fn run<S: Simd>(self, s: S) {
        let width = 2 * S::LANES;
        let mut row = 0;
        while row < self.rows && self.depth > 0 {
            let rows = ROWS.min(self.rows - row);
            for (j, panel) in self.panels.chunks_exact(self.depth * width).enumerate() {
                let a = (&self.a[row * self.a_stride..], self.a_stride);
                let out = (&mut self.out[row * self.out_stride + j * width..], self.out_stride);
                match rows {
                    6 => tile::<S, 6>(s, a, panel, out),
                    5 => tile::<S, 5>(s, a, panel, out),
                    4 => tile::<S, 4>(s, a, panel, out),
                    3 => tile::<S, 3>(s, a, panel, out),
                    2 => tile::<S, 2>(s, a, panel, out),
                    _ => tile::<S, 1>(s, a, panel, out),
                }
            }
            row += rows;
        }
    }
}

/// Adds `a[R, depth] panel[depth, 2 * LANES]` to `out`; both come with their strides.
#[inline(always)]
fn tile<S: Simd, const R: usize>(
    s: S,
    (a, a_stride): (&[f32], usize),
    panel: &[f32],
    (out, out_stride): (&mut [f32], usize),
) {
    let width = 2 * S::LANES;
    let depth = panel.len() / width;
    let mut rows = [a; R];
    for (r, row) in rows.iter_mut().enumerate() {
        *row = &a[r * a_stride..][..depth];
    }
    let mut sums = [[s.splat(0.0); 2]; R];
    for p in 0..depth {
        let (left, right) = panel[p * width..][..width].split_at(S::LANES);
        let (left, right) = (s.load(left), s.load(right));
        for r in 0..R {
            let factor = s.splat(rows[r][p]);
            sums[r] = [s.fma(factor, left, sums[r][0]), s.fma(factor, right, sums[r][1])];
        }
    }
    for (r, sums) in sums.iter().enumerate() {
        let (left, right) = out[r * out_stride..][..width].split_at_mut(S::LANES);
        s.store(s.add(s.load(left), sums[0]), left);
        s.store(s.add(s.load(right), sums[1]), right);
    }
}
