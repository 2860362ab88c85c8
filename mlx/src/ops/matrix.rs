//! Products of matrices and vectors.

use super::{
    gather::{Gather, Picks, clamped},
    on_cuda::{by_columns, hadamard_of_short_rows},
    reduce::reducible,
};
use crate::{Array, Dtype, Error, Result, concatenate, ffi::matrix, index::resolve_axis, zeros};

impl Array {
    /// Matrix product of the last two dimensions; the others broadcast. Vectors are rows or columns as fits.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, ones};
    /// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]);
    /// let column = Array::from_slice(&[1.0f32, 10.0], &[2, 1]);
    /// assert_eq!(a.matmul(&column)?.to_vec::<f32>()?, [21.0, 43.0]);
    /// let batch = ones(&[8, 2, 3], Dtype::F32);
    /// assert_eq!(a.matmul(&batch)?.shape()?, [8, 2, 3]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn matmul(&self, rhs: &Array) -> Result<Array> {
        matrix::matmul(self, rhs)
    }

    /// `self + a @ b` in one operation.
    #[track_caller]
    pub fn addmm(&self, a: &Array, b: &Array) -> Result<Array> {
        matrix::addmm(self, a, b, 1.0, 1.0)
    }

    /// `beta * self + alpha * (a @ b)` in one operation.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, eye};
    /// let (c, i) = (Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], &[2, 2]), eye(2, Dtype::F32));
    /// assert_eq!(c.addmm_scaled(&i, &i, 10.0, 0.5)?.to_vec::<f32>()?, [10.5, 1.0, 1.5, 12.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[doc(alias = "addmm")]
    #[track_caller]
    pub fn addmm_scaled(&self, a: &Array, b: &Array, alpha: f32, beta: f32) -> Result<Array> {
        matrix::addmm(self, a, b, alpha, beta)
    }

    /// Sums of products over the last axes of both.
    #[track_caller]
    pub fn inner(&self, rhs: &Array) -> Result<Array> {
        matrix::inner(self, rhs)
    }

    /// Every element of one, flattened, times every element of the other: `[size, rhs size]`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// let (a, b) = (mlx::Array::from_slice(&[1, 2], &[2]), mlx::Array::from_slice(&[3, 4], &[2]));
    /// assert_eq!(a.outer(&b)?.to_vec::<i32>()?, [3, 4, 6, 8]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn outer(&self, rhs: &Array) -> Result<Array> {
        matrix::outer(self, rhs)
    }

    /// Sums of products along one axis of both, with the elements of `self` conjugated if complex. The other
    /// dimensions broadcast.
    #[track_caller]
    pub fn vecdot(&self, rhs: &Array, axis: i32) -> Result<Array> {
        matrix::vecdot(&reducible(self)?, &reducible(rhs)?, axis)
    }

    /// Sums of products over pairs of axes: the last `n` of `self` with the first `n` of `rhs`, or those listed. The
    /// result has the other axes of `self`, then those of `rhs`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Dtype, ones};
    /// let (a, b) = (ones(&[2, 3, 4], Dtype::F32), ones(&[4, 3, 5], Dtype::F32));
    /// assert_eq!(a.tensordot(&b, 1)?.shape()?, [2, 3, 3, 5]);
    /// assert_eq!(a.tensordot(&b, ([1, 2], [1, 0]))?.shape()?, [2, 5]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn tensordot(&self, rhs: &Array, over: impl Into<Contraction>) -> Result<Array> {
        let (a, b) = over.into().axes(self.shape()?, rhs.shape()?)?;
        matrix::tensordot(self, rhs, &a, &b)
    }

    /// The Kronecker product: every element of `self` times the whole of `rhs`, in a grid.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::Array;
    /// let (a, b) = (Array::from_slice(&[1, 10], &[2]), Array::from_slice(&[1, 2, 3], &[3]));
    /// assert_eq!(a.kron(&b)?.to_vec::<i32>()?, [1, 2, 3, 10, 20, 30]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn kron(&self, rhs: &Array) -> Result<Array> {
        matrix::kron(self, rhs)
    }

    /// The last axis times the Hadamard matrix of its size, over the square root of the size: an orthonormal transform
    /// that is its own inverse for a power of two.
    ///
    /// The size is 1, 12, 20 or 28 times a power of two.
    #[track_caller]
    pub fn hadamard_transform(&self) -> Result<Array> {
        hadamard_transform(self, None)
    }

    /// [`Array::hadamard_transform`] with the matrix of ones and minus ones multiplied by `scale`.
    #[doc(alias = "hadamard_transform")]
    #[track_caller]
    pub fn hadamard_transform_scaled(&self, scale: f32) -> Result<Array> {
        hadamard_transform(self, Some(scale))
    }

    /// [`Array::matmul`] with blocks of the operands or of the result switched off or scaled.
    ///
    /// On the CPU, MLX has it for `F32`.
    #[track_caller]
    pub fn block_masked_mm(&self, rhs: &Array, masks: BlockMasks<'_>) -> Result<Array> {
        let BlockMasks { size, out, lhs, rhs: right } = masks;
        if size != 32 && size != 64 {
            let text = format!("MLX has blocks of 32 and of 64, not of {size}");
            return Err(Error::invalid("block_masked_mm", text));
        }
        matrix::block_masked_mm(self, rhs, size, out, lhs, right)
    }

    /// A product of two matrices per segment of their inner dimension: `[..., rows, columns]` for `segments`
    /// `[..., 2]`, integers that say where each segment starts and ends (exclusive).
    ///
    /// Positions out of range are clamped; a segment that ends before it starts is empty and gives zeros.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, Dtype, ones};
    /// let (a, b) = (ones(&[1, 8], Dtype::F32), ones(&[8, 1], Dtype::F32));
    /// let segments = Array::from_slice(&[0u32, 3, 3, 8], &[2, 2]);
    /// assert_eq!(a.segmented_mm(&b, &segments)?.to_vec::<f32>()?, [3.0, 5.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn segmented_mm(&self, rhs: &Array, segments: &Array) -> Result<Array> {
        let (left, right, shape) = (self.shape()?, rhs.shape()?, segments.shape()?);
        // MLX does not compare the inner dimensions, and reads beyond the shorter one.
        let (&[rows, inner], &[depth, columns], [batch @ .., 2]) = (left, right, shape) else {
            let text =
                format!("needs two matrices and pairs, the shapes are {left:?}, {right:?} and {shape:?}");
            return Err(Error::invalid("segmented_mm", text));
        };
        if inner != depth {
            return Err(Error::invalid(
                "segmented_mm",
                format!("the shapes {left:?} and {right:?} do not fit"),
            ));
        }
        let segments = clamped("segmented_mm", segments, inner.into())?;
        if rows == 0 || columns == 0 {
            return Ok(zeros(&[batch, &[rows, columns]].concat(), self.dtype()?));
        }
        // Nor does it ask which of start and end is first.
        let ends = segments.split_at(&[1], -1)?;
        let segments = match &ends[..] {
            [start, end] => concatenate(&[start, &end.maximum(start)?], -1)?,
            _ => segments,
        };
        matrix::segmented_mm(self, rhs, &segments)
    }

    /// The products of those matrices of two batches that `gather` picks: `[picks..., rows, columns]`.
    ///
    /// On the CPU, MLX has it for `F32`.
    ///
    /// ```
    /// # fn main() -> mlx::Result<()> {
    /// use mlx::{Array, ops::Gather};
    /// let rows = Array::from_slice(&[1.0f32, 2.0], &[2, 1, 1]);
    /// let experts = Array::from_slice(&[10.0f32, 100.0, 1000.0], &[3, 1, 1]);
    /// let choice = Array::from_slice(&[2u32, 0], &[2]);
    /// assert_eq!(rows.gather_mm(&experts, Gather::new().rhs(&choice))?.to_vec::<f32>()?, [1000.0, 20.0]);
    /// # Ok(())
    /// # }
    /// ```
    #[track_caller]
    pub fn gather_mm(&self, rhs: &Array, gather: Gather<'_>) -> Result<Array> {
        let Picks { lhs, rhs: of_rhs, sorted } = gather.checked("gather_mm", self.shape()?, rhs.shape()?)?;
        let (lhs, of_rhs) = (lhs.as_ref(), of_rhs.as_ref());
        match sorted.then(|| by_columns(rhs)).transpose()?.flatten() {
            Some(rhs) => matrix::gather_mm(self, &rhs, lhs, of_rhs, false),
            None => matrix::gather_mm(self, rhs, lhs, of_rhs, sorted),
        }
    }
}

#[track_caller]
fn hadamard_transform(x: &Array, scale: Option<f32>) -> Result<Array> {
    check_hadamard(x)?;
    let y = matrix::hadamard_transform(x, scale)?;
    Ok(hadamard_of_short_rows(x, scale)?.unwrap_or(y))
}

/// MLX would drop imaginary parts, and finds out late or never about sizes without a Hadamard matrix.
#[track_caller]
fn check_hadamard(x: &Array) -> Result<()> {
    let shape = x.shape()?;
    let size = shape.last().copied().unwrap_or(1);
    let (twos, odd) = (size.trailing_zeros(), size.checked_shr(size.trailing_zeros()).unwrap_or(0));
    if x.dtype()? == Dtype::C64 {
        return Err(Error::invalid("hadamard_transform", "needs real numbers, not complex64"));
    }
    if odd == 1 || (twos >= 2 && [3, 5, 7].contains(&odd)) {
        return Ok(());
    }
    let text = format!("the last axis of {shape:?} is not 1, 12, 20 or 28 times a power of two");
    Err(Error::invalid("hadamard_transform", text))
}

/// The pairs of axes that [`Array::tensordot`] sums over: a count, or the axes of both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contraction(Pairs);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pairs {
    Last(i32),
    Axes(Vec<i32>, Vec<i32>),
}

impl From<i32> for Contraction {
    fn from(count: i32) -> Contraction {
        Contraction(Pairs::Last(count))
    }
}

impl<const N: usize> From<([i32; N], [i32; N])> for Contraction {
    fn from((a, b): ([i32; N], [i32; N])) -> Contraction {
        Contraction(Pairs::Axes(a.to_vec(), b.to_vec()))
    }
}

impl From<(&[i32], &[i32])> for Contraction {
    fn from((a, b): (&[i32], &[i32])) -> Contraction {
        Contraction(Pairs::Axes(a.to_vec(), b.to_vec()))
    }
}

impl Contraction {
    /// The axes of both sides, checked and counted from the front.
    #[track_caller]
    fn axes(self, a: &[i32], b: &[i32]) -> Result<(Vec<i32>, Vec<i32>)> {
        let (axes_a, axes_b) = match self.0 {
            Pairs::Last(count) => {
                let rank = a.len() as i32;
                if !(0..=rank.min(b.len() as i32)).contains(&count) {
                    let text = format!("cannot sum over {count} axes of the shapes {a:?} and {b:?}");
                    return Err(Error::invalid("tensordot", text));
                }
                ((rank - count..rank).collect(), (0..count).collect())
            }
            Pairs::Axes(axes_a, axes_b) => (resolved(&axes_a, a)?, resolved(&axes_b, b)?),
        };
        let extents = |axes: &[i32], shape: &[i32]| -> Vec<i32> {
            axes.iter().filter_map(|&axis| shape.get(axis as usize).copied()).collect()
        };
        if extents(&axes_a, a) == extents(&axes_b, b) {
            return Ok((axes_a, axes_b));
        }
        let text = format!("the axes {axes_a:?} of the shape {a:?} do not match {axes_b:?} of {b:?}");
        Err(Error::invalid("tensordot", text))
    }
}

#[track_caller]
fn resolved(axes: &[i32], shape: &[i32]) -> Result<Vec<i32>> {
    let mut found = Vec::with_capacity(axes.len());
    for &axis in axes {
        let axis = resolve_axis("tensordot", axis, shape)? as i32;
        if found.contains(&axis) {
            return Err(Error::invalid("tensordot", format!("axis {axis} is named twice in {axes:?}")));
        }
        found.push(axis);
    }
    Ok(found)
}

/// The masks of [`Array::block_masked_mm`]: `BlockMasks::new(32).out(&mask)`.
///
/// A mask has one element per block, `Bool` or a factor, and broadcasts over the batch.
#[derive(Clone, Copy, Debug)]
pub struct BlockMasks<'a> {
    size: i32,
    out: Option<&'a Array>,
    lhs: Option<&'a Array>,
    rhs: Option<&'a Array>,
}

impl<'a> BlockMasks<'a> {
    /// No masks; square blocks of `size` 32 or 64.
    pub fn new(size: i32) -> BlockMasks<'a> {
        BlockMasks { size, out: None, lhs: None, rhs: None }
    }

    /// For blocks of the result.
    pub fn out(self, mask: &'a Array) -> BlockMasks<'a> {
        BlockMasks { out: Some(mask), ..self }
    }

    /// For blocks of the left operand.
    pub fn lhs(self, mask: &'a Array) -> BlockMasks<'a> {
        BlockMasks { lhs: Some(mask), ..self }
    }

    /// For blocks of the right operand.
    pub fn rhs(self, mask: &'a Array) -> BlockMasks<'a> {
        BlockMasks { rhs: Some(mask), ..self }
    }
}
