//! Matrices of small integers, less a zero and times a scale by groups of columns.

use super::Import;
use crate::Result;
use mlx::{Array, Dtype, nn::Quantization};

/// A matrix whose numbers are `(integer - zero) · scale`.
pub(super) struct Grouped {
    /// The integers as MLX packs them: `U32`, `[rows, columns · bits / 32]`.
    pub(super) words: Array,
    pub(super) bits: i32,
    /// `[rows, groups]`.
    pub(super) scales: Array,
    pub(super) zeros: Zeros,
}

/// What is taken from the integers.
pub(super) enum Zeros {
    /// The same everywhere.
    All(i32),
    /// `[rows, groups]`, integers.
    Each(Array),
}

impl Grouped {
    /// Makes a layer of it: as it is, if MLX has groups that the matrix' consist of, else dense.
    pub(super) fn put(self, import: &mut Import<'_>, layer: &str) -> Result<()> {
        let columns = self.columns()?;
        let Some(group_size) = self.group_size(columns)? else { return self.put_dense(import, layer, None) };
        let quantization = Quantization::affine(group_size, self.bits).check()?;
        let repeats = columns / group_size / self.scales.dim(-1)?;
        let (scales, biases) = (&self.scales, self.biases()?);
        for (part, array) in [("scales", scales), ("biases", &biases)] {
            import.put(layer, part, array.repeat(repeats, -1)?.contiguous()?);
        }
        import.put(layer, "weight", self.words.contiguous()?);
        import.layers.insert(layer.to_owned(), Some(quantization));
        Ok(())
    }

    /// Makes dense numbers of it; `order` has the group of each column, if they do not lie in order.
    pub(super) fn put_dense(self, import: &mut Import<'_>, layer: &str, order: Option<&Array>) -> Result<()> {
        let columns = self.columns()?;
        let values = unpack(&self.words, self.bits, columns)?.astype(Dtype::F32)?;
        let by_column = |array: &Array| match order {
            Some(order) => array.take(order, -1),
            None => array.repeat(columns / array.dim(-1)?, -1),
        };
        let scales = by_column(&self.scales.astype(Dtype::F32)?)?;
        let biases = by_column(&self.exact_biases()?)?;
        let dense = (values * scales + biases).astype(super::half(&self.scales)?)?;
        import.put_dense(layer, dense);
        Ok(())
    }

    fn columns(&self) -> Result<i32> {
        Ok((i64::from(self.words.dim(-1)?) * 32 / i64::from(self.bits)) as i32)
    }

    /// The largest group size of MLX's that divides the matrix' own.
    fn group_size(&self, columns: i32) -> Result<Option<i32>> {
        let groups = self.scales.dim(-1)?.max(1);
        let own = columns / groups;
        let fits = |size: &&i32| columns % groups == 0 && own % **size == 0;
        Ok([128, 64, 32].iter().find(fits).copied())
    }

    /// `-zero · scale`, in the type of the scales.
    fn biases(&self) -> Result<Array> {
        Ok(self.exact_biases()?.astype(self.scales.dtype()?)?)
    }

    fn exact_biases(&self) -> Result<Array> {
        let scales = self.scales.astype(Dtype::F32)?;
        Ok(match &self.zeros {
            Zeros::All(zero) => scales.multiply(-*zero as f32)?,
            Zeros::Each(zeros) => zeros.astype(Dtype::F32)?.negative()?.multiply(scales)?,
        })
    }
}

/// Integers of `bits` bits out of the bits of each row of words, the lowest first: `[.., words]` of `U32` to `[.., count]`.
pub(super) fn unpack(words: &Array, bits: i32, count: i32) -> Result<Array> {
    let positions: Vec<u32> = (0..count as u32).map(|i| i * bits as u32).collect();
    let indices = |offset: u32| {
        let last = (count as u32 * bits as u32).div_ceil(32).saturating_sub(1);
        let at: Vec<u32> = positions.iter().map(|position| (position / 32 + offset).min(last)).collect();
        Array::from_slice(&at, &[count])
    };
    let shifts: Vec<u32> = positions.iter().map(|position| position % 32).collect();
    let mask = (1u32 << bits) - 1;
    if 32 % bits == 0 {
        let per_word = 32 / bits;
        let shifts = Array::from_slice(&shifts[..(per_word.min(count)) as usize], &[per_word.min(count)]);
        let spread = words.expand_dims(-1)?.right_shift(&shifts)?.bitwise_and(mask)?;
        return Ok(spread.flatten(-2, -1)?);
    }
    // A number may begin in one word and end in the next.
    let shifts = Array::from_slice(&shifts, &[count]);
    let low = words.take(&indices(0), -1)?.right_shift(&shifts)?;
    let left = Array::from_slice(&vec![31u32; count as usize], &[count]).subtract(&shifts)?;
    let high = words.take(&indices(1), -1)?.left_shift(1u32)?.left_shift(&left)?;
    Ok(low.bitwise_or(&high)?.bitwise_and(mask)?)
}

/// Packs rows of integers below `2^bits`, of which words hold a whole number: `[.., count]` to `[.., count · bits / 32]`.
pub(super) fn pack(values: &Array, bits: i32) -> Result<Array> {
    let per_word = 32 / bits;
    let shifts: Vec<u32> = (0..per_word as u32).map(|i| i * bits as u32).collect();
    let mut shape = values.shape()?.to_vec();
    let count = shape.pop().unwrap_or(0);
    shape.extend([count / per_word, per_word]);
    let spread = values.astype(Dtype::U32)?.reshape(&shape)?;
    let shifted = spread.left_shift(&Array::from_slice(&shifts, &[per_word]))?;
    Ok(shifted.sum(-1)?.astype(Dtype::U32)?)
}
